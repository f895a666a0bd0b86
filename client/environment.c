/* The variables are read as CPython reads them. */
#include "client/environment.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/paths.h"

/* CPython ignores variables that are empty. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* As CPython's _Py_get_env_flag(): a value that is no number, or is negative, means 1. */
static int optimize_level(void) {
    const char *value = variable("PYTHONOPTIMIZE");
    if (value == NULL)
        return -1;
    char *end;
    errno = 0;
    long level = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || level < 0 || level > INT_MAX)
        return 1;
    return (int)level;
}

/* In CPython's order: development mode, then the variable's options, empty ones left out. */
static cJSON *warning_options(void) {
    cJSON *options = cJSON_CreateArray();
    if (variable("PYTHONDEVMODE") != NULL)
        cJSON_AddItemToArray(options, cJSON_CreateString("default"));
    const char *value = variable("PYTHONWARNINGS");
    char *copy = xstrdup(value ? value : ""), *rest = copy;
    for (char *option; (option = strsep(&rest, ",")) != NULL;)
        if (*option != '\0')
            cJSON_AddItemToArray(options, cJSON_CreateString(option));
    free(copy);
    return options;
}

/* The value of PYCOMPILE_CACHE. Any value but the three words counts as not set. */
static int cache_use(void) {
    const char *value = variable("PYCOMPILE_CACHE");
    for (const struct schema_choice *choice = cache_choices; value != NULL && choice->name != NULL; choice++)
        if (strcmp(choice->name, value) == 0)
            return choice->value;
    return CACHE_USE;
}

/* A working directory that was removed has no path, but can be entered all the same, if /proc is mounted. */
static char *working_folder(void) {
    char *path = getcwd(NULL, 0);
    if (path != NULL && *path == '/')
        return path;
    free(path);
    return paths_has_proc() ? xasprintf("/proc/%ld/cwd", (long)getpid()) : NULL;
}

void environment_init(struct environment *environment) {
    mode_t mask = umask(0);
    umask(mask);
    *environment = (struct environment){
        .cwd = working_folder(),
        .umask = (int)mask,
        .source_date_epoch = variable("SOURCE_DATE_EPOCH"),
        .pycache_prefix = variable("PYTHONPYCACHEPREFIX"),
        .python = variable("PYCOMPILE_PYTHON"),
        .cache = cache_use(),
        .optimize = optimize_level(),
        .warnings = warning_options(),
    };
}

void environment_deinit(struct environment *environment) {
    free(environment->cwd);
    cJSON_Delete(environment->warnings);
    *environment = (struct environment){0};
}

int environment_optimize(const struct environment *environment) {
    int flags = environment->optimize_flags;
    return flags > 0 && flags > environment->optimize ? flags : environment->optimize;
}

void environment_request(const struct environment *environment, struct compile_request *request) {
    compile_request_init(request);
    request->cwd = environment->cwd;
    request->optimize = environment_optimize(environment);
    request->source_date_epoch = environment->source_date_epoch;
    request->pycache_prefix = environment->pycache_prefix;
    request->umask = environment->umask;
    request->warnings = environment->warnings->child ? environment->warnings : NULL;
    request->python = environment->python;
    request->cache = environment->cache;
}
