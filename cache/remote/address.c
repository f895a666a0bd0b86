/* The table of the kinds of servers. */
#include "cache/remote/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cache/remote/redis_transport.h"

static const struct transport_kind *const kinds[] = {&redis_transport};

static const struct transport_kind *address_find_kind(const char *text) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (const char *const *scheme = kinds[i]->schemes; *scheme != NULL; scheme++)
            if (strncmp(text, *scheme, strlen(*scheme)) == 0)
                return kinds[i];
    return NULL;
}

/* The sentence that names all schemes. The caller frees. */
static char *address_refuse(void) {
    struct buffer text = {0};
    buffer_append_string(&text, "not a remote cache's URL: it begins with none of");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (const char *const *scheme = kinds[i]->schemes; *scheme != NULL; scheme++)
            buffer_printf(&text, " %s", *scheme);
    return buffer_string(&text);
}

int remote_address_parse(const char *text, struct remote_address *address, char **why) {
    const struct transport_kind *kind = address_find_kind(text);
    *address = (struct remote_address){.kind = kind};
    if (kind != NULL)
        address->place = kind->parse(text, &address->shown, why);
    else
        *why = address_refuse();
    if (address->place != NULL)
        return 0;
    *address = (struct remote_address){0};
    return -EINVAL;
}

void remote_address_deinit(struct remote_address *address) {
    if (address->kind != NULL)
        address->kind->forget(address->place);
    free(address->shown);
    *address = (struct remote_address){0};
}
