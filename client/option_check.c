/* See option_check.h. */
#include "client/option_check.h"

#include <stdlib.h>

#include "base/clock.h"
#include "client/autostart.h"
#include "client/rpc_client.h"

#define DEADLINE_MS 60000

cJSON *option_check(const char *socket_path, const struct compile_request *request, char **why) {
    struct compile_request nothing = *request;
    struct rpc_client client;
    struct buffer params = {0};
    char *error = NULL;
    int fd = autostart_connect(socket_path, AUTOSTART_DEFAULT, NULL, why);
    if (fd < 0)
        return NULL;
    nothing.file = "<string>";
    nothing.cfile = nothing.dfile = NULL;
    nothing.source = "";
    nothing.write = false;
    cJSON *tree = compile_request_encode(&nothing);
    json_print(tree, &params);
    cJSON_Delete(tree);
    rpc_client_init(&client, fd);
    cJSON *result = rpc_client_call(&client, "compile", &params, clock_ms() + DEADLINE_MS, &error);
    rpc_client_deinit(&client);
    buffer_deinit(&params);
    free(error);
    *why = NULL;
    return result;
}
