/* The options that pycompile-client and pycompileall-client share beyond the programs that they mirror: what every
 * request of a run has in common, and how a run finds its Python. */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "client/arguments.h"
#include "client/environment.h"
#include "client/results/results.h"
#include "proto/compile_request.h"

struct request_options {
    struct environment environment;
    struct compile_request request; /* borrows from environment and argv; `file` is not set */
    int output;                     /* enum results_kind */
    bool exit_codes;
    bool nul_names;         /* -0 */
    const char *names_from; /* --files0-from, or NULL */
    bool which_python;
    bool fallback;            /* also by $PYCOMPILE_FALLBACK */
    int environment_warnings; /* the number of warning options, at the front, that the environment gives */
};

/* Sets the defaults, and reads the environment. */
void request_options_init(struct request_options *options);
void request_options_deinit(struct request_options *options);

/* Called after the command line was read: takes -W and -O into the request. */
void request_options_finish(struct request_options *options);

/* What the text of request.python comes from, for a message: the option or the variable. */
const char *request_options_python_source(const struct request_options *options);

/* Rows of a table of arguments; `at` is the offset of the struct request_options in the context. */
#define REQUEST_OPTION(at, member) ((at) + offsetof(struct request_options, member))
#define REQUEST_OPTION_INVALIDATION_MODE(at)                                                                           \
    {                                                                                                                  \
        0, "invalidation-mode", ARGUMENT_CHOICE, REQUEST_OPTION(at, request.invalidation_mode), 0, 0, 0,               \
            invalidation_choices                                                                                       \
    }
#define REQUEST_OPTION_PYTHON(at)                                                                                      \
    { 0, "python", ARGUMENT_TEXT, REQUEST_OPTION(at, request.python), 0, 0, 0, NULL }
#define REQUEST_OPTION_JSON(at)                                                                                        \
    { 0, "json", ARGUMENT_SET, REQUEST_OPTION(at, output), RESULTS_LINES, 0, 0, NULL }
#define REQUEST_OPTIONS_NAMES(at)                                                                                      \
    {'0', NULL, ARGUMENT_FLAG, REQUEST_OPTION(at, nul_names), 0, 0, 0, NULL}, {                                        \
        0, "files0-from", ARGUMENT_TEXT, REQUEST_OPTION(at, names_from), 0, 0, 0, NULL                                 \
    }
#define REQUEST_OPTIONS_OUTPUT(at)                                                                                     \
    REQUEST_OPTION_JSON(at)                                                                                            \
    , {0, "output-format", ARGUMENT_CHOICE, REQUEST_OPTION(at, output), 0, 0, 0, results_choices}, {                   \
        0, "exit-codes", ARGUMENT_FLAG, REQUEST_OPTION(at, exit_codes), 0, 0, 0, NULL                                  \
    }
#define REQUEST_OPTIONS(at)                                                                                            \
    {'W', "warnings", ARGUMENT_LIST, REQUEST_OPTION(at, environment.warnings), 0, 0, 0, NULL},                         \
        {0, "timeout", ARGUMENT_INT, REQUEST_OPTION(at, request.timeout_ms), 0, 0, INT_MAX, NULL},                     \
        {0, "priority", ARGUMENT_CHOICE, REQUEST_OPTION(at, request.priority), 0, 0, 0, priority_choices},             \
        {0, "no-cache", ARGUMENT_SET, REQUEST_OPTION(at, request.cache), CACHE_BYPASS, 0, 0, NULL},                    \
        {0, "recache", ARGUMENT_SET, REQUEST_OPTION(at, request.cache), CACHE_REFRESH, 0, 0, NULL},                    \
        {0, "canonical", ARGUMENT_FLAG, REQUEST_OPTION(at, request.canonical), 0, 0, 0, NULL},                         \
        {0, "which-python", ARGUMENT_FLAG, REQUEST_OPTION(at, which_python), 0, 0, 0, NULL},                           \
        {0, "fallback", ARGUMENT_FLAG, REQUEST_OPTION(at, fallback), 0, 0, 0, NULL}, {                                 \
        0, "version", ARGUMENT_VERSION, 0, 0, 0, 0, NULL                                                               \
    }

/* Their text in the help. */
#define REQUEST_OPTION_PYTHON_HELP                                                                                     \
    "  --python X.Y          the Python version to compile for (default: $PYCOMPILE_PYTHON,\n"                         \
    "                        else what the project asks for, else the daemon's first;\n"                               \
    "                        see --which-python); or the path of an interpreter, or of the\n"                          \
    "                        python of a virtual environment\n"                                                        \
    "  --which-python        show which Python is chosen, and why, and exit\n"
#define REQUEST_OPTIONS_NAMES_HELP(list)                                                                               \
    "  -0                    names on standard input" list " end with a NUL, not with a line\n"                        \
    "  --files0-from F       compile what F names, with a NUL behind each; - is standard input\n"
#define REQUEST_OPTIONS_OUTPUT_HELP                                                                                    \
    "  --output-format {text,json,github,gitlab,sarif,junit}\n"                                                        \
    "                        print results for machines: json is --json with a summary\n"                              \
    "  --exit-codes          1: a source is in error, 3: no daemon, or it could not do the job,\n"                     \
    "                        4: the file system refused\n"
#define REQUEST_OPTIONS_HELP                                                                                           \
    "  -W, --warnings OPTION\n"                                                                                        \
    "                        warning control, as Python's own -W; may be repeated\n"                                   \
    "  --timeout MS          longest time for a file, 0 for none (default: the daemon's)\n"                            \
    "  --priority {interactive,normal,background}\n"                                                                   \
    "                        order among waiting files (default: normal)\n"                                            \
    "  --no-cache            compile, and let the cache of compiled sources alone\n"                                   \
    "  --recache             compile, and put the outcome into the cache (default for both:\n"                         \
    "                        $PYCOMPILE_CACHE, which is use, bypass or refresh)\n"                                     \
    "  --canonical           write a form of the .pyc that is the same from every build, machine\n"                    \
    "                        and process, not the bytes of py_compile\n"                                               \
    "  --fallback            where no daemon can be had, let the interpreter itself do the work\n"                     \
    "                        (also with PYCOMPILE_FALLBACK=1)\n"                                                       \
    "  --version             show the version and exit\n"
