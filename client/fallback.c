/* The interpreter is the one that the host was built for, else pythonX.Y of PATH. */
#include "client/fallback.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"
#include "client/python_choice.h"
#include "client/python_info.h"
#include "client/python_wish.h"
#include "client/stderr_text.h"
#include "proto/rpc.h"

#define TRIAL_MS 30000
/* A daemon that hangs is noticed sooner (client/run_link.h). */
#define REACH_MS 120000

void fallback_init(struct fallback *fallback, const char *prog, const char *module,
                   const struct request_options *shared) {
    *fallback = (struct fallback){.prog = prog, .module = module, .shared = shared, .python = shared->request.python};
    fallback_add(fallback, "");
    const cJSON *option;
    int at = 0;
    cJSON_ArrayForEach(option, shared->environment.warnings) {
        if (at++ >= shared->environment_warnings)
            fallback_add_value(fallback, "-W", option->valuestring);
    }
    for (int i = 0; i < shared->environment.optimize_flags; i++)
        fallback_add(fallback, "-O");
    fallback_add_value(fallback, "-m", module);
    fallback_refuse(fallback, "--json", shared->output == RESULTS_LINES);
    fallback_refuse(fallback, "--output-format", shared->output > RESULTS_LINES);
    fallback_refuse(fallback, "-0", shared->nul_names);
    fallback_refuse(fallback, "--files0-from", shared->names_from != NULL);
    fallback_refuse(fallback, "--exit-codes", shared->exit_codes);
    fallback_refuse(fallback, "--timeout", shared->request.timeout_ms > 0);
}

void fallback_deinit(struct fallback *fallback) {
    for (size_t i = 0; i < fallback->count; i++)
        free(fallback->argv[i]);
    free(fallback->argv);
    *fallback = (struct fallback){0};
}

void fallback_add(struct fallback *fallback, const char *argument) {
    fallback->argv = xrealloc(fallback->argv, (fallback->count + 2) * sizeof *fallback->argv);
    fallback->argv[fallback->count++] = xstrdup(argument);
    fallback->argv[fallback->count] = NULL;
}

/* A value that looks like an option is only taken where it is attached. */
void fallback_add_value(struct fallback *fallback, const char *option, const char *value) {
    if (value == NULL)
        return;
    if (*value == '-' && value[1] != '\0') {
        char *attached = xasprintf("%s%s%s", option, option[1] == '-' ? "=" : "", value);
        fallback_add(fallback, attached);
        free(attached);
        return;
    }
    fallback_add(fallback, option);
    fallback_add(fallback, value);
}

void fallback_add_names(struct fallback *fallback, char *const *names, size_t count) {
    bool looks_like_option = false;
    for (size_t i = 0; i < count; i++)
        looks_like_option = looks_like_option || (names[i][0] == '-' && names[i][1] != '\0');
    if (looks_like_option)
        fallback_add(fallback, "--");
    for (size_t i = 0; i < count; i++)
        fallback_add(fallback, names[i]);
}

void fallback_refuse(struct fallback *fallback, const char *option, bool given) {
    if (given && fallback->lacks == NULL)
        fallback->lacks = option;
}

char *fallback_reason(struct json_span error) {
    const char *why;
    cJSON *tree = json_parse(error.text, error.len, &why);
    const char *message = json_get_string(tree, "message");
    char *reason = NULL;
    switch ((int)json_get_integer(tree, "code", INT_MIN, INT_MAX, 0)) {
    case RPC_UNAVAILABLE:
    case RPC_PARSE_ERROR:
    case RPC_INVALID_REQUEST:
    case RPC_METHOD_NOT_FOUND:
    case RPC_INVALID_PARAMS:
        reason = xstrdup(message ? message : "the daemon refuses the request");
        break;
    default:
        break;
    }
    cJSON_Delete(tree);
    return reason;
}

int fallback_reach_daemon(struct run_link *link, const char *python, char **why) {
    struct python_info info;
    int result = python_info_ask(link, python, &info, why);
    python_info_deinit(&info);
    if (result < 0 || link->is_open) /* then the daemon has answered that */
        return result;
    cJSON *status = run_link_call(link, "status", NULL, REACH_MS, why);
    cJSON_Delete(status);
    return status != NULL ? 0 : -ENOTCONN;
}

bool fallback_is_for(const struct fallback *fallback, int result) {
    return fallback->shared->fallback && result < 0 && result != -EINTR;
}

static bool fallback_is_program(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Whether the program runs as an interpreter: pyenv has scripts of such names that may refuse. */
static bool fallback_is_interpreter(const char *path) {
    struct buffer said = {0};
    const char *const argv[] = {path, "-I", "-S", "-c", "", NULL};
    bool runs =
        fallback_is_program(path) &&
        io_run(
            &(struct io_program){
                .path = path, .argv = argv, .read_fd = STDERR_FILENO, .deadline = clock_ms() + TRIAL_MS, .wake_fd = -1},
            &said) == 0;
    buffer_deinit(&said);
    return runs;
}

/* The interpreter of that name in PATH, which the caller frees, or NULL. */
static char *fallback_search(const char *name) {
    const char *path = getenv("PATH");
    char *folders = xstrdup(path ? path : "/usr/bin:/bin"), *rest = folders, *found = NULL;
    for (char *folder; found == NULL && (folder = strsep(&rest, ":")) != NULL;) {
        found = xasprintf("%s/%s", *folder ? folder : ".", name);
        if (!fallback_is_interpreter(found)) {
            free(found);
            found = NULL;
        }
    }
    free(folders);
    return found;
}

/* The interpreter of an installed host. Returns NULL if there is no such host, or the interpreter is gone. */
static char *fallback_host_interpreter(const struct fallback *fallback, struct run_link *link) {
    struct python_info info = {0};
    struct python_choice choice;
    char *why = NULL, *found = NULL;
    int result = python_choice_find(&choice, link, fallback->shared, &why);
    if (result == 0)
        result = python_info_ask(link, choice.python ? choice.python : fallback->shared->request.python, &info, &why);
    if (result == 0 && info.interpreter != NULL && fallback_is_program(info.interpreter))
        found = xstrdup(info.interpreter);
    free(why);
    python_choice_deinit(&choice);
    python_info_deinit(&info);
    return found;
}

/* The name of the interpreter that is asked for, which the caller frees, or NULL if that is not known. */
static char *fallback_name(const struct fallback *fallback) {
    struct python_version version;
    struct python_wish wish;
    const char *text = fallback->python;
    if (text != NULL && python_version_parse(text, &version))
        return xasprintf("python%u.%u", version.major, version.minor);
    if (text != NULL)
        return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' ? xasprintf("python%s", text) : NULL;
    if (!python_wish_find(&wish, fallback->shared->request.cwd))
        return xstrdup("python3");
    char *name = wish.version.major != 0 ? xasprintf("python%u.%u", wish.version.major, wish.version.minor) : NULL;
    python_wish_deinit(&wish);
    return name;
}

/* The interpreter's path, which the caller frees, or NULL and a message. */
static char *fallback_interpreter(const struct fallback *fallback, struct run_link *link, char **why) {
    run_link_forgo(link);
    if (fallback->python != NULL && strchr(fallback->python, '/') != NULL)
        return xstrdup(fallback->python);
    char *found = fallback_host_interpreter(fallback, link);
    if (found != NULL)
        return found;
    char *name = fallback_name(fallback);
    found = name ? fallback_search(name) : NULL;
    if (name == NULL)
        *why = xstrdup("it is not known which interpreter is meant");
    else if (found == NULL)
        *why = xasprintf("PATH has no %s that runs", name);
    free(name);
    return found;
}

static void fallback_exec(const struct fallback *fallback, const char *interpreter, const char *reason, char **why) {
    char *line = xasprintf("%s: %.*s; fallback: %s -m %s\n", fallback->prog, (int)strcspn(reason, "\n"), reason,
                           interpreter, fallback->module);
    stderr_text_print(line);
    free(line);
    free(fallback->argv[0]);
    fallback->argv[0] = xstrdup(interpreter);
    signal(SIGPIPE, SIG_DFL);
    execv(interpreter, fallback->argv);
    *why = xasprintf("%s: %s", interpreter, strerror(errno));
    signal(SIGPIPE, SIG_IGN);
}

void fallback_run(const struct fallback *fallback, struct run_link *link, char **why) {
    char *hindrance = NULL;
    if (fallback->lacks != NULL) {
        run_link_close(link);
        hindrance = xasprintf("%s has no %s", fallback->module, fallback->lacks);
    } else {
        char *interpreter = fallback_interpreter(fallback, link, &hindrance);
        if (interpreter != NULL)
            fallback_exec(fallback, interpreter, *why, &hindrance);
        free(interpreter);
    }
    char *text = xasprintf("no fallback, since %s: %s", hindrance, *why);
    free(hindrance);
    free(*why);
    *why = text;
}
