/* Finding a pool by its version. */
#include "daemon/pool/pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/host_programs.h"

int pools_init(struct pools *pools, const struct host_group *model, char **why) {
    struct host_programs programs;
    host_programs_find(&programs, model->options->hosts);
    *pools = (struct pools){.items = xcalloc(programs.count, sizeof *pools->items), .count = programs.count};
    for (unsigned i = 0; i < programs.count; i++)
        pools->items[i] = pool_new(model, programs.items[i].python, programs.items[i].path);
    host_programs_deinit(&programs);
    pools->fallback = pools_find(pools, model->options->python);
    if (pools->fallback == NULL) {
        *why = pools_missing_reason(pools, model->options->python);
        return -ENOENT;
    }
    pools->fallback->keeps_warm = true;
    return 0;
}

void pools_close(struct pools *pools) {
    for (unsigned i = 0; i < pools->count; i++)
        pool_close(pools->items[i]);
}

void pools_deinit(struct pools *pools) {
    for (unsigned i = 0; i < pools->count; i++)
        pool_free(pools->items[i]);
    free(pools->items);
    *pools = (struct pools){0};
}

struct pool *pools_find(const struct pools *pools, const char *python) {
    if (python == NULL)
        return pools->fallback ? pools->fallback : pools->count ? pools->items[0] : NULL;
    for (unsigned i = 0; i < pools->count; i++)
        if (strcmp(pools->items[i]->python, python) == 0)
            return pools->items[i];
    return NULL;
}

char *pools_missing_reason(const struct pools *pools, const char *python) {
    if (pools->count == 0)
        return xstrdup("there is no pycompile-host-X.Y beside the daemon: build with a CPython that can be embedded");
    struct buffer reason = {0};
    buffer_printf(&reason, "no host for Python %.32s; there is one for", python);
    for (unsigned i = 0; i < pools->count; i++)
        buffer_printf(&reason, "%s %s", i ? "," : "", pools->items[i]->python);
    return buffer_string(&reason);
}
