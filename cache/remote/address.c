/* The table of the kinds of servers. */
#include "cache/remote/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cache/remote/http_transport.h"
#include "cache/remote/redis_transport.h"

static const struct transport_kind *const kinds[] = {&redis_transport, &http_transport};

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

/* Takes the settings that all kinds have out of the spec. */
static void address_take_common(struct spec *spec, struct remote_address *address) {
    size_t kept = 0;
    for (size_t i = 0; i < spec->count; i++) {
        struct spec_setting *setting = &spec->settings[i];
        if (strcmp(setting->name, "read-only") != 0) {
            spec->settings[kept++] = *setting;
            continue;
        }
        address->read_only = strcmp(setting->value, "false") != 0;
        free(setting->name);
        free(setting->value);
    }
    spec->count = kept;
}

static int address_take_spec(struct spec *spec, struct remote_address *address, char **why) {
    const struct transport_kind *kind = address_find_kind(spec->url);
    *address = (struct remote_address){.kind = kind};
    address_take_common(spec, address);
    if (kind != NULL)
        address->place = kind->parse(spec, &address->shown, why);
    else
        *why = address_refuse();
    if (address->place != NULL)
        return 0;
    *address = (struct remote_address){0};
    return -EINVAL;
}

/* Whether no URL follows. */
static bool address_is_last(const char *text, char **why) {
    struct spec spec;
    int status = spec_next(&text, &spec, why);
    if (status > 0) {
        spec_deinit(&spec);
        *why = xstrdup("there is more than one remote cache's URL");
    }
    return status == 0;
}

int remote_address_parse(const char *text, struct remote_address *address, char **why) {
    struct spec spec;
    *address = (struct remote_address){0};
    int status = spec_next(&text, &spec, why);
    if (status == 0)
        *why = xstrdup("not a remote cache's URL: it is empty");
    if (status <= 0)
        return -EINVAL;
    status = address_is_last(text, why) ? address_take_spec(&spec, address, why) : -EINVAL;
    spec_deinit(&spec);
    return status;
}

void remote_address_deinit(struct remote_address *address) {
    if (address->kind != NULL)
        address->kind->forget(address->place);
    free(address->shown);
    *address = (struct remote_address){0};
}
