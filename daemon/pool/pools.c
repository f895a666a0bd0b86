/* Finding a pool by its version. */
#include "daemon/pool/pools.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/python_search.h"

/* The pool of the interpreter of that path, or NULL with a reason. */
static struct pool *pools_default_of_path(struct pools *pools, const char *path, char **why) {
    struct interpreter_file file;
    struct pool *pool = NULL;
    if (interpreter_file_find(path, &file, why) == 0)
        pool = pools_take_interpreter(pools, &file);
    interpreter_file_deinit(&file);
    return pool;
}

/* The pool of the newest interpreter of that version that is found, or of that release; NULL: there is none. */
static struct pool *pools_default_of_version(struct pools *pools, const struct python_version *version,
                                             const char *release) {
    char *path = host_programs_has_object(&pools->programs, version) ? python_search_find(version, release) : NULL;
    char *why = NULL;
    struct pool *pool = path != NULL ? pools_default_of_path(pools, path, &why) : NULL;
    free(why);
    free(path);
    return pool;
}

/* Where no host was built for an interpreter: the newest one that there is an object for. */
static struct pool *pools_newest_default(struct pools *pools) {
    const struct host_programs *programs = &pools->programs;
    struct pool *pool = NULL;
    for (unsigned i = 0; pool == NULL && i < programs->object_count; i++)
        pool = pools_default_of_version(pools, &programs->objects[i], NULL);
    return pool;
}

/* The pool for requests that name no Python; NULL with a reason: there is none. May run interpreters for their version.
 */
static struct pool *pools_default(struct pools *pools, const char *python, char **why) {
    struct python_version version;
    struct pool *pool = pools_find(pools, python);
    if (pool == NULL && python == NULL) {
        pool = pools_newest_default(pools);
    } else if (pool == NULL && *python == '/' && pools->programs.launcher != NULL) {
        return pools_default_of_path(pools, python, why);
    } else if (pool == NULL && python_version_parse(python, &version)) {
        char *release = python_version_release(python);
        pool = pools_default_of_version(pools, &version, release);
        free(release);
    }
    if (pool == NULL)
        *why = pools_missing_reason(pools, python);
    return pool;
}

int pools_init(struct pools *pools, const struct host_group *model, char **why) {
    struct host_programs programs;
    host_programs_find(&programs, model->options->hosts);
    *pools = (struct pools){
        .items = xcalloc(programs.count + POOLS_INTERPRETERS_MAX, sizeof *pools->items),
        .count = programs.count,
        .installed = programs.count,
        .interpreters_max = POOLS_INTERPRETERS_MAX,
        .model = *model,
        .programs = programs,
    };
    for (unsigned i = 0; i < programs.count; i++)
        pools->items[i] = pool_new(model, programs.items[i].python, programs.items[i].path);
    pools->fallback = pools_default(pools, model->options->python, why);
    if (pools->fallback == NULL)
        return -ENOENT;
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
    host_programs_deinit(&pools->programs);
    *pools = (struct pools){0};
}

struct pool *pools_find(const struct pools *pools, const char *python) {
    if (python == NULL)
        return pools->fallback ? pools->fallback : pools->installed ? pools->items[0] : NULL;
    for (unsigned i = 0; i < pools->installed; i++)
        if (strcmp(pools->items[i]->python, python) == 0)
            return pools->items[i];
    return NULL;
}

static struct pool *pools_find_interpreter(const struct pools *pools, const char *path) {
    for (unsigned i = pools->installed; i < pools->count; i++)
        if (strcmp(pools->items[i]->file.path, path) == 0)
            return pools->items[i];
    return NULL;
}

bool pools_has_interpreter(const struct pools *pools, const char *path) {
    return pools_find_interpreter(pools, path) != NULL;
}

/* The pool that has been idle for longest, or NULL. */
static struct pool *pools_find_free(const struct pools *pools) {
    struct pool *oldest = NULL;
    for (unsigned i = pools->installed; i < pools->count; i++)
        if (pools->items[i] != pools->fallback && pool_is_free(pools->items[i]) &&
            (oldest == NULL || pools->items[i]->last_used_ms < oldest->last_used_ms))
            oldest = pools->items[i];
    return oldest;
}

struct pool *pools_take_interpreter(struct pools *pools, struct interpreter_file *file) {
    struct pool *pool = pools_find_interpreter(pools, file->path);
    if (pool != NULL && interpreter_file_same(&pool->file, file)) {
        interpreter_file_deinit(file);
        return pool;
    }
    if (pool == NULL && pools->count < pools->installed + pools->interpreters_max) {
        pool = pool_new(&pools->model, file->path, pools->programs.launcher);
        pools->items[pools->count++] = pool;
    }
    if (pool == NULL)
        pool = pools_find_free(pools);
    if (pool != NULL)
        pool_take_interpreter(pool, file);
    return pool;
}

char *pools_missing_reason(const struct pools *pools, const char *python) {
    const struct host_programs *programs = &pools->programs;
    bool has_objects = programs->launcher != NULL && programs->object_count > 0;
    if (pools->installed == 0 && !has_objects)
        return xstrdup("there is no pycompile-host-X.Y beside the daemon: build with a CPython that can be embedded");
    struct buffer reason = {0};
    buffer_printf(&reason, "no host for Python %.32s; there is one for", python ? python : "(default)");
    for (unsigned i = 0; i < pools->installed; i++)
        buffer_printf(&reason, "%s %s", i ? "," : "", pools->items[i]->python);
    for (unsigned i = 0; pools->installed == 0 && i < programs->object_count; i++)
        buffer_printf(&reason, "%s %u.%u", i ? "," : "", programs->objects[i].major, programs->objects[i].minor);
    if (pools->installed == 0)
        buffer_append_string(&reason, ", of which it serves each interpreter that is found or named by its path");
    return buffer_string(&reason);
}
