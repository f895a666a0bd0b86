/* The table of the parameters, and the functions that follow it. */
#include "proto/compile_request.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/buffer.h"

const struct schema_choice invalidation_choices[] = {
    {"checked-hash", INVALIDATION_CHECKED_HASH},
    {"timestamp", INVALIDATION_TIMESTAMP},
    {"unchecked-hash", INVALIDATION_UNCHECKED_HASH},
    {NULL, 0},
};

const struct schema_choice cache_choices[] = {
    {"use", CACHE_USE},
    {"bypass", CACHE_BYPASS},
    {"refresh", CACHE_REFRESH},
    {NULL, 0},
};

const struct schema_choice priority_choices[] = {
    {"interactive", PRIORITY_INTERACTIVE},
    {"normal", PRIORITY_NORMAL},
    {"background", PRIORITY_BACKGROUND},
    {NULL, 0},
};

/* The most members of `places`: the host looks each of them up. */
#define PLACES_MAX 16

/* One row: the member of struct compile_request, its type, its effect and scope (enum compile_mark), then the text and
 * what else differs from zero. Every row must say effect and scope; a unit test compares the effect with the key. */
#define ROW(member, kind, effect, scope, ...)                                                                          \
    {                                                                                                                  \
        .name = #member, .type = SCHEMA_##kind, .offset = offsetof(struct compile_request, member),                    \
        .marks = COMPILE_EFFECT_##effect | COMPILE_SCOPE_##scope, __VA_ARGS__                                          \
    }

/* clang-format off */
const struct schema_field compile_parameters[] = {
    ROW(file, STRING, SELECTED, FILE, .required = true,
        .text = "The source, as the user typed it; it becomes co_filename unless dfile is given."),
    ROW(cwd, STRING, NONE, ANY,
        .text = "Absolute; where relative paths of this request start. Needed if any is relative."),
    ROW(cfile, STRING, NONE, FILE,
        .text = "As in py_compile.compile."),
    ROW(dfile, STRING, SELECTED, FILE,
        .text = "As in py_compile.compile."),
    ROW(optimize, INT, VALUE, ANY, .min = -1, .max = INT_MAX, .preset = -1,
        .text = "As in py_compile.compile; a level beyond 2 compiles as 2 does and stands in the file's name, as with "
                "PYTHONOPTIMIZE."),
    ROW(invalidation_mode, CHOICE, NONE, ANY, .choices = invalidation_choices, .preset = INVALIDATION_DEFAULT,
        .text = "Default: checked-hash if source_date_epoch is not empty, else timestamp."),
    ROW(source_date_epoch, STRING, NONE, ANY,
        .text = "The client's SOURCE_DATE_EPOCH."),
    ROW(pycache_prefix, STRING, NONE, ANY,
        .text = "The client's PYTHONPYCACHEPREFIX."),
    ROW(umask, INT, NONE, ANY, .min = 0, .max = 0777, .preset = -1,
        .text = "The client's umask; decides the mode of what is created."),
    ROW(places, STRINGS, NONE, FILE, .max = PLACES_MAX,
        .text = "Folders as the client sees them, each \"DEV:INO:PATH\" with the decimal st_dev and st_ino. If "
                "a path leads the host to another folder, the request is refused: the two are in different mount "
                "namespaces or roots."),
    ROW(warnings, STRINGS, VALUE, ANY,
        .text = "The client's PYTHONWARNINGS and -W options, in that order."),
    ROW(legacy, BOOL, NONE, ANY,
        .text = "Write FILEc beside the source."),
    ROW(canonical, BOOL, VALUE, ANY,
        .text = "Write the canonical form of the .pyc: the same bytes for equal code from every build, architecture and process; "
                "not those that py_compile writes."),
    ROW(force, BOOL, NONE, FILE, .preset = true,
        .text = "False: leave a .pyc that is up to date by its own header."),
    ROW(source, STRING, VALUE, FILE,
        .text = "Compile this text instead of the file's. A check of it cancels an older one of the same file and "
                "Python on the same connection that is not answered yet. Errors and warnings have the member range "
                "then."),
    ROW(source_file, STRING, VALUE, FILE,
        .text = "Where the daemon finds the open file that source was read from, as /proc/PID/fd/N: a pipe or a terminal, "
                "which nobody can read twice. Then source stands for its bytes (the encoding that they declare counts, an "
                "undecodable byte is a lone surrogate), and time, size and mode are those of this file."),
    ROW(source_copy, STRING, VALUE, FILE,
        .text = "Beside source_file and in place of source, where that would be too long for a message: a file that "
                "holds the bytes, where the daemon finds it."),
    ROW(write, BOOL, NONE, FILE, .preset = true,
        .text = "False: check only, write nothing. A check never writes, whatever this says."),
    ROW(python, STRING, SELECTED, ANY,
        .text = "Which Python: a version, as \"3.13\" or \"3.13.0\" (the host that was built for it, else the newest interpreter of "
                "it that is found in the user's list, PATH, pyenv, uv, conda), or the absolute path of an interpreter, or "
                "of the python of a virtual environment, which stands for the interpreter that the environment was made with; "
                "default: the daemon's first."),
    ROW(priority, CHOICE, NONE, ANY, .choices = priority_choices, .preset = PRIORITY_NORMAL,
        .text = "Order among waiting jobs."),
    ROW(timeout_ms, INT, NONE, ANY, .min = 0, .max = INT_MAX, .preset = -1, .fallback = COMPILE_TIMEOUT_DEFAULT_MS,
        .text = "Counted from the start of the compile; 0: none."),
    ROW(cache, CHOICE, NONE, ANY, .choices = cache_choices, .preset = CACHE_USE,
        .text = "bypass: compile without the cache; refresh: compile, and store the outcome in it. A text (source) and "
                "a check are neither looked up nor stored."),
    ROW(trace, BOOL, NONE, FILE,
        .text = "Let the answer (result, or data of the error) have a member trace: host and worker (process and "
                "thread id), start_us (CLOCK_MONOTONIC), elapsed_us."),
};
/* clang-format on */

#define PARAMETER_COUNT (sizeof compile_parameters / sizeof *compile_parameters)
const size_t compile_parameter_count = PARAMETER_COUNT;

void compile_request_init(struct compile_request *request) {
    *request = (struct compile_request){0};
    schema_init(compile_parameters, PARAMETER_COUNT, request);
}

void compile_request_init_watch(struct compile_request *request) {
    compile_request_init(request);
    request->priority = PRIORITY_BACKGROUND;
}

/* An empty path is not relative: opening it fails as the user expects, wherever it is tried. */
static bool needs_cwd(const char *path) {
    return path != NULL && path[0] != '/';
}

static int check_cwd(const struct compile_request *request, char **why) {
    if (request->cwd != NULL && request->cwd[0] != '/') {
        *why = xstrdup("'cwd' must be absolute");
        return -EINVAL;
    }
    if (request->cwd == NULL && (needs_cwd(request->file) || needs_cwd(request->cfile) ||
                                 (request->pycache_prefix != NULL && request->pycache_prefix[0] != '\0' &&
                                  needs_cwd(request->pycache_prefix)))) {
        *why = xstrdup("'cwd' is needed where a path is relative");
        return -EINVAL;
    }
    return 0;
}

int compile_request_decode(const cJSON *params, struct compile_request *request, char **why) {
    compile_request_init(request);
    int result = schema_decode(compile_parameters, PARAMETER_COUNT, params, request, why);
    return result < 0 ? result : check_cwd(request, why);
}

int compile_request_decode_watch(const cJSON *params, struct compile_request *request, char **why) {
    struct schema_field rows[PARAMETER_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        const struct schema_field *row = &compile_parameters[i];
        if (row->marks & COMPILE_SCOPE_ANY) {
            rows[count++] = *row;
        } else if (cJSON_GetObjectItemCaseSensitive(params, row->name) != NULL) {
            *why = xasprintf("'%s' means nothing to a watch", row->name);
            return -EINVAL;
        }
    }
    compile_request_init_watch(request);
    int result = schema_decode(rows, count, params, request, why);
    return result < 0 ? result : check_cwd(request, why);
}

cJSON *compile_request_encode(const struct compile_request *request) {
    cJSON *params = cJSON_CreateObject();
    schema_encode(compile_parameters, PARAMETER_COUNT, request, params);
    return params;
}

enum invalidation_mode compile_request_mode(const struct compile_request *request) {
    if (request->invalidation_mode != INVALIDATION_DEFAULT)
        return (enum invalidation_mode)request->invalidation_mode;
    bool epoch = request->source_date_epoch != NULL && request->source_date_epoch[0] != '\0';
    return epoch ? INVALIDATION_CHECKED_HASH : INVALIDATION_TIMESTAMP;
}

/* The compiler does no more at a higher level; the file's name has it. */
#define LEVEL_MAX 2

int compile_request_level(const struct compile_request *request) {
    if (request->optimize < 0)
        return 0;
    return request->optimize < LEVEL_MAX ? request->optimize : LEVEL_MAX;
}

const char *compile_request_name(const struct compile_request *request) {
    return request->dfile != NULL && *request->dfile != '\0' ? request->dfile : request->file;
}
