/* One table: py_compile's options, then those beyond it. */
#include "client/compile/options.h"

#include <stddef.h>
#include <string.h>

#include "client/arguments.h"

#define PROG "pycompile-client"

static const char usage[] = "usage: " PROG " [-h] [-q] filenames [filenames ...]\n";

static const char help[] =
    "\n"
    "A simple command-line interface for py_compile module.\n"
    "\n"
    "positional arguments:\n"
    "  filenames    Files to compile\n"
    "\n"
    "options:\n"
    "  -h, --help   show this help message and exit\n"
    "  -q, --quiet  Suppress error output\n"
    "\n"
    "options beyond py_compile:\n" REQUEST_OPTION_PYTHON_HELP
    "  -k, --keep-going      compile all files and report all errors\n"
    "  --check               compile only, write nothing\n" REQUEST_OPTIONS_NAMES_HELP(
        "") "  --json                print one JSON object a file on standard output\n" REQUEST_OPTIONS_OUTPUT_HELP
            "  -O, -OO               as of python itself: python -O -m py_compile\n"
            "  -o, --optimize N      optimization level: -1, 0, 1 or 2 (default: -1, that of -O or\n"
            "                        $PYTHONOPTIMIZE)\n"
            "  --invalidation-mode {timestamp,checked-hash,unchecked-hash}\n"
            "                        what a .pyc is checked against (default: timestamp, or\n"
            "                        checked-hash if $SOURCE_DATE_EPOCH is set)\n"
            "  --cfile PATH          the file to write (one FILE only)\n"
            "  --legacy              write FILEc beside FILE, not in __pycache__\n"
            "  --dfile NAME          the file name to show in error messages (one FILE only)\n" REQUEST_OPTIONS_HELP;

#define OFFSET(member) offsetof(struct compile_options, member)
#define SHARED OFFSET(shared)
/* Rows of py_compile's own options. */
#define OWN_COUNT 2

static const struct argument table[] = {
    {'h', "help", ARGUMENT_HELP, 0, 0, 0, 0, NULL},
    {'q', "quiet", ARGUMENT_FLAG, OFFSET(quiet), 0, 0, 0, NULL},
    REQUEST_OPTION_PYTHON(SHARED),
    {'k', "keep-going", ARGUMENT_FLAG, OFFSET(keep_going), 0, 0, 0, NULL},
    {0, "check", ARGUMENT_FLAG, OFFSET(check), 0, 0, 0, NULL},
    REQUEST_OPTIONS_NAMES(SHARED),
    REQUEST_OPTIONS_OUTPUT(SHARED),
    {'O', NULL, ARGUMENT_COUNT, OFFSET(shared.environment.optimize_flags), 0, 0, 0, NULL},
    {'o', "optimize", ARGUMENT_INT, OFFSET(shared.request.optimize), 0, -1, 2, NULL},
    REQUEST_OPTION_INVALIDATION_MODE(SHARED),
    {0, "cfile", ARGUMENT_TEXT, OFFSET(shared.request.cfile), 0, 0, 0, NULL},
    {0, "legacy", ARGUMENT_FLAG, OFFSET(shared.request.legacy), 0, 0, 0, NULL},
    {0, "dfile", ARGUMENT_TEXT, OFFSET(shared.request.dfile), 0, 0, 0, NULL},
    REQUEST_OPTIONS(SHARED),
};

static bool needs_no_name(const void *context) {
    const struct request_options *shared = &((const struct compile_options *)context)->shared;
    return shared->which_python || shared->nul_names || shared->names_from != NULL;
}

/* Where the names come from. */
static void judge_names(struct compile_options *options, const struct arguments *arguments) {
    struct request_options *shared = &options->shared;
    bool is_dash = options->file_count == 1 && strcmp(options->files[0], "-") == 0;
    if (shared->names_from != NULL && options->file_count > 0)
        arguments_error(arguments, "argument --files0-from: not allowed with filenames");
    if (shared->nul_names && options->file_count > 0 && !is_dash)
        arguments_error(arguments, "argument -0: allowed with names of standard input only");
    shared->nul_names = shared->nul_names || shared->names_from != NULL;
    options->from_list = is_dash || (shared->nul_names && options->file_count == 0);
}

void compile_options_parse(struct compile_options *options, int argc, char **argv) {
    struct arguments arguments = {PROG, usage,   help,      table,        sizeof table / sizeof *table,
                                  NULL, options, OWN_COUNT, needs_no_name};
    *options = (struct compile_options){0};
    request_options_init(&options->shared);
    options->file_count = arguments_parse(&arguments, argc, argv, "filenames");
    options->files = argv + 1;
    judge_names(options, &arguments);
    options->sets_level = options->shared.request.optimize >= 0;
    request_options_finish(&options->shared);
    struct compile_request *request = &options->shared.request;
    request->write = !options->check;
    const char *single = request->cfile ? "--cfile" : request->dfile ? "--dfile" : NULL;
    if (single != NULL && (options->file_count != 1 || options->from_list))
        arguments_error(&arguments, "argument %s: allowed with one file only", single);
}

void compile_options_fallback(const struct compile_options *options, struct fallback *fallback) {
    const struct compile_request *request = &options->shared.request;
    fallback_init(fallback, PROG, "py_compile", &options->shared);
    fallback_refuse(fallback, "--keep-going", options->keep_going);
    fallback_refuse(fallback, "--check", options->check);
    fallback_refuse(fallback, "--optimize", options->sets_level);
    fallback_refuse(fallback, "--invalidation-mode", request->invalidation_mode != INVALIDATION_DEFAULT);
    fallback_refuse(fallback, "--cfile", request->cfile != NULL);
    fallback_refuse(fallback, "--legacy", request->legacy);
    fallback_refuse(fallback, "--canonical", request->canonical);
    fallback_refuse(fallback, "--dfile", request->dfile != NULL);
    if (options->quiet)
        fallback_add(fallback, "-q");
    fallback_add_names(fallback, options->files, options->file_count);
}

void compile_options_deinit(struct compile_options *options) {
    request_options_deinit(&options->shared);
}
