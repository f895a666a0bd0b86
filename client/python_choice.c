/* The project's wish against the daemon's status. */
#include "client/python_choice.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/interpreter_file.h"
#include "base/python_search.h"
#include "client/python_info.h"
#include "client/python_wish.h"
#include "client/served.h"

#define DEADLINE_MS 30000

static bool suits(const struct python_wish *wish, const struct python_version *version) {
    if (wish->unknown != NULL)
        return false;
    if (wish->version.major != 0)
        return python_version_compare(version, &wish->version) == 0;
    return python_version_allowed(version, wish->specifier);
}

/* The best host in the daemon's list, or NULL. */
static const char *choose(const struct python_wish *wish, const cJSON *pythons) {
    struct python_version best = {0};
    const char *chosen = NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, pythons) {
        struct python_version version;
        const char *python = json_get_string(item, "python");
        if (python == NULL || !python_version_parse(python, &version) || !suits(wish, &version))
            continue;
        if (json_get_bool(item, "default"))
            return python;
        if (chosen == NULL || python_version_compare(&version, &best) > 0) {
            chosen = python;
            best = version;
        }
    }
    return chosen;
}

static char *no_host(const struct python_wish *wish, const cJSON *pythons) {
    struct buffer text = {0};
    const cJSON *item;
    const char *comma = "";
    if (wish->unknown != NULL)
        buffer_printf(&text, "no host for \"%s\"", wish->unknown);
    else if (wish->version.major != 0)
        buffer_printf(&text, "no host for Python %u.%u%s", wish->version.major, wish->version.minor,
                      wish->free_threaded ? "t, nor for the default build of that version, which would do" : "");
    else
        buffer_printf(&text, "no host for a Python that \"%s\" allows", wish->specifier);
    buffer_printf(&text, ", which %s asks for; there is one for", wish->source);
    cJSON_ArrayForEach(item, pythons) {
        const char *python = json_get_string(item, "python");
        buffer_printf(&text, "%s %s", comma, python ? python : "?");
        comma = ",";
    }
    buffer_append_string(&text, " (another is taken with --python X.Y, in an editor with the setting python)");
    return buffer_string(&text);
}

/* Whether the file is a free-threaded build's, by its name. The default build of the same version compiles for it. */
static bool is_free_threaded(const char *path) {
    const char *slash = strrchr(path, '/');
    return python_version_is_free_threaded(slash ? slash + 1 : path);
}

/* What the build has left beside the host of a version. */
static void host_info(const cJSON *status, const char *xy, struct python_info *info) {
    const cJSON *pythons = cJSON_GetObjectItemCaseSensitive(status, "pythons"), *item;
    *info = (struct python_info){0};
    cJSON_ArrayForEach(item, pythons) {
        const char *python = json_get_string(item, "python"), *host = json_get_string(item, "path");
        if (python != NULL && host != NULL && strcmp(python, xy) == 0) {
            python_info_of_host(info, host);
            return;
        }
    }
}

/* An interpreter of the patch release that is asked for, where the host of its version is of another; or one of the
 * version, or of those that are allowed, where there is no host. The caller frees; NULL: there is none. */
static char *search_interpreter(const cJSON *status, const struct python_wish *wish, const char *chosen) {
    struct python_info info = {0};
    if (chosen == NULL && wish->specifier != NULL && wish->unknown == NULL)
        return served_find(status, wish->specifier);
    if (wish->version.major == 0 || !served_has(status, &wish->version) || (chosen != NULL && wish->release == NULL))
        return NULL;
    if (chosen != NULL)
        host_info(status, chosen, &info);
    bool is_host = wish->release != NULL && info.version != NULL && strcmp(info.version, wish->release) == 0;
    python_info_deinit(&info);
    return is_host ? NULL : python_search_find(&wish->version, wish->release);
}

/* The interpreter of a virtual environment, where it is another than that of the host of its version, and can be had;
 * the caller frees, or NULL. */
static char *choose_interpreter(const cJSON *status, const struct python_wish *wish, const char *chosen) {
    struct interpreter_file file;
    struct python_info info = {0};
    char *why = NULL, *found = NULL;
    if (wish->interpreter == NULL || wish->free_threaded ||
        json_get_integer(status, "interpreters_max", 0, INT_MAX, 0) == 0)
        return NULL;
    if (chosen != NULL)
        host_info(status, chosen, &info);
    if (interpreter_file_find(wish->interpreter, &file, &why) == 0 && !is_free_threaded(file.path) &&
        (info.interpreter == NULL || strcmp(info.interpreter, file.path) != 0))
        found = xstrdup(file.path);
    free(why);
    interpreter_file_deinit(&file);
    python_info_deinit(&info);
    return found;
}

/* Chooses from a daemon's status. Returns 0, or a negative errno value and a message. */
static int python_choice_from(const cJSON *status, const struct python_wish *wish, char **python, char **why) {
    const cJSON *pythons = cJSON_GetObjectItemCaseSensitive(status, "pythons");
    if (wish->path != NULL) {
        *python = xstrdup(wish->path);
        return 0;
    }
    const char *chosen = choose(wish, pythons);
    *python = choose_interpreter(status, wish, chosen);
    if (*python == NULL)
        *python = search_interpreter(status, wish, chosen);
    if (*python == NULL && chosen != NULL)
        *python = xstrdup(chosen);
    if (*python == NULL)
        *why = no_host(wish, pythons);
    return *python ? 0 : -ENOENT;
}

int python_choice_ask(struct rpc_client *client, const char *folder, char **python, char **why) {
    struct python_wish wish;
    *python = NULL;
    if (!python_wish_find(&wish, folder))
        return 0;
    cJSON *status = rpc_client_call(client, "status", NULL, clock_ms() + DEADLINE_MS, why);
    int result = status ? python_choice_from(status, &wish, python, why) : -EIO;
    cJSON_Delete(status);
    python_wish_deinit(&wish);
    return result;
}

/* Both builds of a version have one magic number, one cache tag and the same bytecode. */
static const char free_threaded_note[] = ", a free-threaded build, for which the default build compiles";

/* "FILE asks for 3.13.1" */
static char *wish_reason(const struct python_wish *wish) {
    const char *letter = wish->free_threaded ? "t" : "", *note = wish->free_threaded ? free_threaded_note : "";
    if (wish->path != NULL)
        return xasprintf("%s asks for %s", wish->source, wish->path);
    if (wish->specifier != NULL)
        return xasprintf("%s allows \"%s\"", wish->source, wish->specifier);
    if (wish->release != NULL)
        return xasprintf("%s asks for %s%s%s", wish->source, wish->release, letter, note);
    return xasprintf("%s asks for %u.%u%s%s", wish->source, wish->version.major, wish->version.minor, letter, note);
}

/* Among the hosts of the link. */
static int choose_for_wish(struct python_choice *choice, struct run_link *link, const struct python_wish *wish,
                           char **why) {
    const cJSON *status = run_link_status(link, why);
    int result = status ? python_choice_from(status, wish, &choice->python, why) : -EIO;
    if (result < 0)
        return result;
    choice->reason = wish_reason(wish);
    choice->release = wish->release ? xstrdup(wish->release) : NULL;
    return 0;
}

/* What the project asks for. */
static int choose_for_project(struct python_choice *choice, struct run_link *link, const char *folder, char **why) {
    struct python_wish wish;
    if (!python_wish_find(&wish, folder)) {
        choice->reason = xstrdup("nothing asks for one, and it is the default");
        return 0;
    }
    int result = choose_for_wish(choice, link, &wish, why);
    python_wish_deinit(&wish);
    return result;
}

/* The default or the newest of a major version. */
static int choose_for_major(struct python_choice *choice, struct run_link *link, const char *major, const char *source,
                            char **why) {
    struct python_wish wish = {.specifier = xasprintf("==%s.*", major), .source = xstrdup(source)};
    int result = choose_for_wish(choice, link, &wish, why);
    python_wish_deinit(&wish);
    return result;
}

/* The interpreter of a path that somebody has typed. */
static int choose_path(struct python_choice *choice, const char *text, const char *cwd, const char *source,
                       char **why) {
    if (*text != '/' && cwd == NULL) {
        *why = xasprintf("%s: the working directory has no path", text);
        return -ENOENT;
    }
    choice->python = *text == '/' ? xstrdup(text) : xasprintf("%s/%s", cwd, text);
    choice->reason = xasprintf("%s asks for %s", source, text);
    return 0;
}

/* X.Y.Z: that release where it can be had, else what the host of X.Y is. */
static int choose_for_release(struct python_choice *choice, struct run_link *link, const char *text, const char *source,
                              char **why) {
    struct python_wish wish = {.release = python_version_release(text), .source = xstrdup(source)};
    python_version_parse(text, &wish.version);
    const cJSON *status = run_link_status(link, why);
    if (status != NULL) {
        char *xy = xasprintf("%u.%u", wish.version.major, wish.version.minor);
        choice->python = search_interpreter(status, &wish, xy);
        if (choice->python == NULL)
            choice->python = xstrdup(xy);
        choice->release = xstrdup(wish.release);
        choice->reason = xasprintf("%s asks for %s", source, text);
        free(xy);
    }
    python_wish_deinit(&wish);
    return status != NULL ? 0 : -EIO;
}

int python_choice_find(struct python_choice *choice, struct run_link *link, const struct request_options *shared,
                       char **why) {
    struct python_version version;
    const char *text = shared->request.python;
    *choice = (struct python_choice){0};
    *why = NULL;
    if (text == NULL)
        return choose_for_project(choice, link, shared->request.cwd, why);
    const char *source = request_options_python_source(shared);
    if (strchr(text, '/') != NULL)
        return choose_path(choice, text, shared->request.cwd, source, why);
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
        return choose_for_major(choice, link, text, source, why);
    char *release = python_version_release(text);
    free(release);
    if (release != NULL)
        return choose_for_release(choice, link, text, source, why);
    if (!python_version_exact(text, &version) && python_version_parse(text, &version))
        choice->python = xasprintf("%u.%u", version.major, version.minor);
    choice->reason =
        xasprintf("%s asks for %s%s", source, text, python_version_is_free_threaded(text) ? free_threaded_note : "");
    return 0;
}

void python_choice_deinit(struct python_choice *choice) {
    free(choice->python);
    free(choice->reason);
    free(choice->release);
    *choice = (struct python_choice){0};
}
