/* The server's status names the host; the build has put a file of facts beside the host. */
#include "client/python_info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_programs.h"
#include "base/interpreter_file.h"
#include "base/io.h"
#include "base/python_search.h"
#include "base/python_version.h"
#include "client/served.h"

#define FILE_MAX 65536

static const cJSON *find(const cJSON *pythons, const char *wanted) {
    const cJSON *item;
    cJSON_ArrayForEach(item, pythons) {
        const char *python = json_get_string(item, "python");
        if (python != NULL && (wanted ? strcmp(python, wanted) == 0 : json_get_bool(item, "default")))
            return item;
    }
    return NULL;
}

static char *no_such(const cJSON *pythons, const char *wanted) {
    struct buffer names = {0};
    const cJSON *item;
    cJSON_ArrayForEach(item, pythons) {
        const char *python = json_get_string(item, "python");
        if (python != NULL)
            buffer_printf(&names, "%s%s", names.len ? ", " : "", python);
    }
    char *why = xasprintf("the daemon has no host for Python %s; it has: %s", wanted ? wanted : "(default)",
                          buffer_string(&names));
    buffer_deinit(&names);
    return why;
}

static cJSON *read_json(const char *path) {
    struct buffer text = {0};
    const char *error;
    bool fine = io_read_file(AT_FDCWD, path, 0, FILE_MAX, &text) == 0;
    cJSON *tree = fine ? json_parse(text.data, text.len, &error) : NULL;
    buffer_deinit(&text);
    return tree;
}

static char *copy_member(const cJSON *object, const char *name) {
    const char *text = json_get_string(object, name);
    return text ? xstrdup(text) : NULL;
}

/* Reads the file of facts. */
static void python_info_read(struct python_info *info, const char *path) {
    cJSON *tree = read_json(path);
    int64_t magic = json_get_integer(tree, "magic", 1, UINT32_MAX, 0);
    *info = (struct python_info){0};
    info->interpreter = copy_member(tree, "interpreter");
    info->version = copy_member(tree, "version");
    info->cache_tag = magic > 0 ? copy_member(tree, "cache_tag") : NULL;
    info->magic = (uint32_t)magic;
    cJSON_Delete(tree);
}

void python_info_of_host(struct python_info *info, const char *host) {
    char *path = xasprintf("%s.json", host);
    python_info_read(info, path);
    free(path);
}

/* What is true of every interpreter of that minor version. */
static void python_info_of_version(struct python_info *info, const struct python_version *version) {
    char *path = host_programs_facts(version);
    if (path != NULL)
        python_info_read(info, path);
    free(path);
}

/* The version that the daemon has found the interpreter to be, else that which its name tells; or NULL. */
static const char *version_of_interpreter(const cJSON *pythons, const char *interpreter) {
    const cJSON *item = find(pythons, interpreter);
    const char *version = json_get_string(item, "version"), *name = strrchr(interpreter, '/') + 1;
    return version != NULL ? version : name;
}

/* Describes an interpreter that was not there when the hosts were built. Without a cache tag the host judges the .pyc
 * files. */
static int describe_interpreter(const cJSON *pythons, const char *path, struct python_info *info, char **why) {
    struct interpreter_file file;
    struct python_version version;
    if (interpreter_file_find(path, &file, why) < 0) {
        interpreter_file_deinit(&file);
        return -ENOENT;
    }
    const char *said = version_of_interpreter(pythons, file.path);
    char *release = python_version_release(said);
    char *xy = python_version_parse(said, &version) ? xasprintf("%u.%u", version.major, version.minor) : NULL;
    if (xy != NULL)
        python_info_of_version(info, &version);
    free(info->interpreter);
    free(info->version);
    info->python = xstrdup(file.path);
    info->interpreter = xstrdup(file.path);
    info->version = release;
    info->xy = xy;
    interpreter_file_deinit(&file);
    return 0;
}

/* An interpreter for a version without a host of its own (NULL: the default where no daemon runs); the caller frees.
 * NULL: there is none. */
static char *python_info_search(const cJSON *status, const char *wanted) {
    struct python_version version;
    if (wanted == NULL)
        return served_find(status, NULL);
    if (!python_version_exact(wanted, &version) || !served_has(status, &version))
        return NULL;
    return python_search_find(&version, NULL);
}

int python_info_ask(struct run_link *link, const char *wanted, struct python_info *info, char **why) {
    *info = (struct python_info){0};
    const cJSON *status = run_link_status(link, why);
    if (status == NULL)
        return -EIO;
    const cJSON *pythons = cJSON_GetObjectItemCaseSensitive(status, "pythons");
    const cJSON *item = find(pythons, wanted);
    const char *host = json_get_string(item, "path");
    const char *python = wanted ? wanted : json_get_string(item, "python");
    if (python != NULL && *python == '/')
        return describe_interpreter(pythons, python, info, why);
    char *found = item ? NULL : python_info_search(status, wanted);
    if (found != NULL) {
        int result = describe_interpreter(pythons, found, info, why);
        free(found);
        return result;
    }
    if (item == NULL)
        *why = no_such(pythons, wanted);
    if (host != NULL)
        python_info_of_host(info, host);
    if (item != NULL) {
        info->python = xstrdup(json_get_string(item, "python"));
        info->xy = xstrdup(info->python);
    }
    return item ? 0 : -ENOENT;
}

void python_info_deinit(struct python_info *info) {
    free(info->python);
    free(info->xy);
    free(info->interpreter);
    free(info->version);
    free(info->cache_tag);
    *info = (struct python_info){0};
}
