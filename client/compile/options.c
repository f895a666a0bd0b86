/* See options.h. */
#include "client/compile/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "client/argument_values.h"
#include "client/arguments.h"

#define PROG "pycompile-client"

static const char usage[] = "usage: " PROG " [-h] [-q] filenames [filenames ...]\n";

static const char help[] = "\n"
                           "A simple command-line interface for py_compile module.\n"
                           "\n"
                           "positional arguments:\n"
                           "  filenames    Files to compile\n"
                           "\n"
                           "options:\n"
                           "  -h, --help   show this help message and exit\n"
                           "  -q, --quiet  Suppress error output\n"
                           "\n"
                           "options beyond py_compile:\n"
                           "  --python X.Y          the Python version to compile for (default: $PYCOMPILE_PYTHON,\n"
                           "                        else what the project asks for, else the daemon's first;\n"
                           "                        see pycompilectl python)\n"
                           "  -k, --keep-going      compile all files and report all errors\n"
                           "  --check               compile only, write nothing\n"
                           "  --json                print one JSON object a file on standard output\n"
                           "  -O, -OO               as of python itself: python -O -m py_compile\n"
                           "  -o, --optimize N      optimization level: -1, 0, 1 or 2 (default: -1, that of -O or\n"
                           "                        $PYTHONOPTIMIZE)\n"
                           "  --invalidation-mode {timestamp,checked-hash,unchecked-hash}\n"
                           "                        what a .pyc is checked against (default: timestamp, or\n"
                           "                        checked-hash if $SOURCE_DATE_EPOCH is set)\n"
                           "  --cfile PATH          the file to write (one FILE only)\n"
                           "  --legacy              write FILEc beside FILE, not in __pycache__\n"
                           "  --dfile NAME          the file name to show in error messages (one FILE only)\n"
                           "  -W, --warnings OPTION\n"
                           "                        warning control, as Python's own -W; may be repeated\n"
                           "  --timeout MS          longest time for a file, 0 for none (default: the daemon's)\n"
                           "  --priority {interactive,normal,background}\n"
                           "                        order among waiting files (default: normal)\n"
                           "  --no-cache            compile, and let the cache of compiled sources alone\n"
                           "  --recache             compile, and put the outcome into the cache (default for both:\n"
                           "                        $PYCOMPILE_CACHE, which is use, bypass or refresh)\n"
                           "  --version             show the version and exit\n";

enum {
    OPTION_HELP,
    OPTION_QUIET,
    OPTION_PYTHON, /* from here on: beyond py_compile */
    OPTION_KEEP_GOING,
    OPTION_CHECK,
    OPTION_JSON,
    OPTION_O,
    OPTION_OPTIMIZE,
    OPTION_INVALIDATION_MODE,
    OPTION_CFILE,
    OPTION_LEGACY,
    OPTION_DFILE,
    OPTION_WARNING,
    OPTION_TIMEOUT,
    OPTION_PRIORITY,
    OPTION_NO_CACHE,
    OPTION_RECACHE,
    OPTION_VERSION,
};

static const struct argument table[] = {
    {'h', "help", false, OPTION_HELP},
    {'q', "quiet", false, OPTION_QUIET},
    {0, "python", true, OPTION_PYTHON},
    {'k', "keep-going", false, OPTION_KEEP_GOING},
    {0, "check", false, OPTION_CHECK},
    {0, "json", false, OPTION_JSON},
    {'O', NULL, false, OPTION_O},
    {'o', "optimize", true, OPTION_OPTIMIZE},
    {0, "invalidation-mode", true, OPTION_INVALIDATION_MODE},
    {0, "cfile", true, OPTION_CFILE},
    {0, "legacy", false, OPTION_LEGACY},
    {0, "dfile", true, OPTION_DFILE},
    {'W', "warnings", true, OPTION_WARNING},
    {0, "timeout", true, OPTION_TIMEOUT},
    {0, "priority", true, OPTION_PRIORITY},
    {0, "no-cache", false, OPTION_NO_CACHE},
    {0, "recache", false, OPTION_RECACHE},
    {0, "version", false, OPTION_VERSION},
};

/* Prints and ends the process; status 1 where standard output does not take it. */
static _Noreturn void print_and_exit(const char *first, const char *second) {
    fputs(first, stdout);
    fputs(second, stdout);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

static char *take_number(const char *text, int min, int max, int *number) {
    long value;
    char *why = argument_int(text, min, max, &value);
    if (why == NULL)
        *number = (int)value;
    return why;
}

static char *take_flag(int id, struct options *options) {
    switch (id) {
    case OPTION_HELP:
        print_and_exit(usage, help);
    case OPTION_VERSION:
        print_and_exit(PROG " " PYCOMPILED_VERSION, "\n");
    case OPTION_QUIET:
        options->quiet = true;
        break;
    case OPTION_KEEP_GOING:
        options->keep_going = true;
        break;
    case OPTION_O:
        environment_add_optimize(&options->environment);
        break;
    case OPTION_LEGACY:
        options->request.legacy = true;
        break;
    case OPTION_CHECK:
        options->request.write = false;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_NO_CACHE:
        options->request.cache = CACHE_BYPASS;
        break;
    case OPTION_RECACHE:
        options->request.cache = CACHE_REFRESH;
        break;
    default:
        break;
    }
    return NULL;
}

static char *take(int id, const char *value, void *context) {
    struct options *options = context;
    struct compile_request *request = &options->request;
    switch (id) {
    case OPTION_PYTHON:
        request->python = value;
        return NULL;
    case OPTION_OPTIMIZE:
        return take_number(value, -1, 2, &request->optimize);
    case OPTION_INVALIDATION_MODE:
        return argument_choice(value, invalidation_choices, &request->invalidation_mode);
    case OPTION_CFILE:
        request->cfile = value;
        return NULL;
    case OPTION_DFILE:
        request->dfile = value;
        return NULL;
    case OPTION_WARNING:
        environment_add_warning(&options->environment, value);
        return NULL;
    case OPTION_TIMEOUT:
        return take_number(value, 0, INT_MAX, &request->timeout_ms);
    case OPTION_PRIORITY:
        return argument_choice(value, priority_choices, &request->priority);
    default:
        return take_flag(id, options);
    }
}

void options_parse(struct options *options, int argc, char **argv) {
    struct arguments arguments = {PROG, usage, table, sizeof table / sizeof *table, take, options, OPTION_PYTHON};
    *options = (struct options){0};
    environment_init(&options->environment);
    environment_request(&options->environment, &options->request);
    options->request.optimize = -1;
    options->file_count = arguments_parse(&arguments, argc, argv, "filenames");
    options->files = argv + 1;
    options->from_stdin = options->file_count == 1 && strcmp(argv[1], "-") == 0;
    /* -W and -O were added since. */
    if (options->request.optimize < 0)
        options->request.optimize = environment_optimize(&options->environment);
    options->request.warnings = options->environment.warnings->child ? options->environment.warnings : NULL;
    const char *single = options->request.cfile ? "--cfile" : options->request.dfile ? "--dfile" : NULL;
    if (single != NULL && (options->file_count != 1 || options->from_stdin))
        arguments_error(&arguments, "argument %s: allowed with one file only", single);
}

void options_deinit(struct options *options) {
    environment_deinit(&options->environment);
}
