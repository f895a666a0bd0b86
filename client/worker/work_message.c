/* The memory of a request. */
#include "client/worker/work_message.h"

#include <stdlib.h>

void work_request_add(struct work_request *request, const char *argument, size_t len) {
    size_t count = request->argument_count++;
    if ((count & (count + 1)) == 0) /* room for the next power of two, and NULL */
        request->arguments = xrealloc(request->arguments, (2 * count + 2) * sizeof *request->arguments);
    request->arguments[count] = xstrndup(argument, len);
    request->arguments[count + 1] = NULL;
}

void work_request_deinit(struct work_request *request) {
    for (size_t i = 0; i < request->argument_count; i++)
        free(request->arguments[i]);
    free(request->arguments);
    free(request->sandbox_dir);
    *request = (struct work_request){0};
}
