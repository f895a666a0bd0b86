/* See compileall_options.h. Follows Lib/compileall.py of CPython 3.13: main. */
#include "client/compileall/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "client/argument_values.h"
#include "client/arguments.h"

#define PROG "pycompileall-client"

/* sys.getrecursionlimit(): compileall's default. */
#define LEVELS_DEFAULT 1000

static const char usage[] = "usage: " PROG " [-h] [-l] [-r RECURSION] [-f] [-q] [-b] [-d DESTDIR]\n"
                            "                     [-s STRIPDIR] [-p PREPENDDIR] [-x REGEXP] [-i FILE]\n"
                            "                     [-j WORKERS]\n"
                            "                     [--invalidation-mode {checked-hash,timestamp,unchecked-hash}]\n"
                            "                     [-o OPT_LEVELS] [-e DIR] [--hardlink-dupes]\n"
                            "                     [FILE|DIR ...]\n";

static const char help[] =
    "\n"
    "Compile all Python sources of folders to .pyc files, as python -m compileall does, through the\n"
    "pycompiled daemon.\n"
    "\n"
    "positional arguments:\n"
    "  FILE|DIR              files and folders to compile; without any, the folders of sys.path\n"
    "                        without what is below them\n"
    "\n"
    "options:\n"
    "  -h, --help            show this help message and exit\n"
    "  -l                    leave folders below out\n"
    "  -r RECURSION          go so many levels down at most; wins over -l\n"
    "  -f                    compile what is up to date too\n"
    "  -q                    print errors only; -qq prints nothing\n"
    "  -b                    write FILE.pyc beside FILE.py, not in __pycache__\n"
    "  -d DESTDIR            folder that stands for the named one in the code's file names; not\n"
    "                        together with -s or -p\n"
    "  -s STRIPDIR           remove this beginning of the path from the code's file names\n"
    "  -p PREPENDDIR         put this before the path in the code's file names\n"
    "  -x REGEXP             skip files whose path matches anywhere (Python's re)\n"
    "  -i FILE               compile also what FILE names, one a line; - is standard input\n"
    "  -j, --workers WORKERS\n"
    "                        accepted; the daemon's workers are used (pycompiled --workers)\n"
    "  --invalidation-mode {checked-hash,timestamp,unchecked-hash}\n"
    "                        what a .pyc is checked against (default: timestamp, or\n"
    "                        checked-hash if $SOURCE_DATE_EPOCH is set)\n"
    "  -o OPT_LEVELS         optimization level, may be repeated (default: $PYTHONOPTIMIZE)\n"
    "  -e DIR                skip links that lead out of DIR\n"
    "  --hardlink-dupes      make equal .pyc files of several levels one file\n"
    "\n"
    "options beyond compileall:\n"
    "  --python X.Y          the Python version to compile for (default: $PYCOMPILE_PYTHON,\n"
    "                        else what the project asks for, else the daemon's first;\n"
    "                        see pycompilectl python)\n"
    "  --strict              a file or folder that is not there is an error\n"
    "  -v, --verbose         sum up on standard error at the end\n"
    "  --json                print one JSON object a file on standard output instead of text\n"
    "  --timing FILE         write which worker compiled what when, as a Chrome trace (Perfetto)\n"
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
    OPTION_LOCAL,
    OPTION_RECURSION,
    OPTION_FORCE,
    OPTION_QUIET,
    OPTION_LEGACY,
    OPTION_DDIR,
    OPTION_STRIP,
    OPTION_PREPEND,
    OPTION_PATTERN,
    OPTION_LIST,
    OPTION_WORKERS,
    OPTION_INVALIDATION_MODE,
    OPTION_OPTIMIZE,
    OPTION_LINKS_BELOW,
    OPTION_HARDLINK_DUPES,
    OPTION_PYTHON, /* from here on: beyond compileall */
    OPTION_STRICT,
    OPTION_VERBOSE,
    OPTION_JSON,
    OPTION_TIMING,
    OPTION_WARNING,
    OPTION_TIMEOUT,
    OPTION_PRIORITY,
    OPTION_NO_CACHE,
    OPTION_RECACHE,
    OPTION_VERSION,
};

static const struct argument table[] = {
    {'h', "help", false, OPTION_HELP},
    {'l', NULL, false, OPTION_LOCAL},
    {'r', NULL, true, OPTION_RECURSION},
    {'f', NULL, false, OPTION_FORCE},
    {'q', NULL, false, OPTION_QUIET},
    {'b', NULL, false, OPTION_LEGACY},
    {'d', NULL, true, OPTION_DDIR},
    {'s', NULL, true, OPTION_STRIP},
    {'p', NULL, true, OPTION_PREPEND},
    {'x', NULL, true, OPTION_PATTERN},
    {'i', NULL, true, OPTION_LIST},
    {'j', "workers", true, OPTION_WORKERS},
    {0, "invalidation-mode", true, OPTION_INVALIDATION_MODE},
    {'o', NULL, true, OPTION_OPTIMIZE},
    {'e', NULL, true, OPTION_LINKS_BELOW},
    {0, "hardlink-dupes", false, OPTION_HARDLINK_DUPES},
    {0, "python", true, OPTION_PYTHON},
    {0, "strict", false, OPTION_STRICT},
    {'v', "verbose", false, OPTION_VERBOSE},
    {0, "json", false, OPTION_JSON},
    {0, "timing", true, OPTION_TIMING},
    {'W', "warnings", true, OPTION_WARNING},
    {0, "timeout", true, OPTION_TIMEOUT},
    {0, "priority", true, OPTION_PRIORITY},
    {0, "no-cache", false, OPTION_NO_CACHE},
    {0, "recache", false, OPTION_RECACHE},
    {0, "version", false, OPTION_VERSION},
};

/* What the options say that is judged once all are read. */
struct parsing {
    struct compileall_options *options;
    bool local;
    bool has_recursion;
    long recursion;
    long workers;
    size_t optimize_given;
};

/* Keeps the levels ascending, each once. */
static char *add_level(struct parsing *parsing, const char *text) {
    struct compileall_options *options = parsing->options;
    long level;
    char *why = argument_int(text, INT_MIN, INT_MAX, &level);
    if (why != NULL)
        return why;
    parsing->optimize_given++;
    size_t at = 0;
    while (at < options->optimize_count && options->optimize[at] < level)
        at++;
    if (at < options->optimize_count && options->optimize[at] == level)
        return NULL;
    if (options->optimize_count == COMPILEALL_LEVELS_MAX)
        return xasprintf("more than %d levels", COMPILEALL_LEVELS_MAX);
    memmove(options->optimize + at + 1, options->optimize + at,
            (options->optimize_count - at) * sizeof *options->optimize);
    options->optimize[at] = (int)level;
    options->optimize_count++;
    return NULL;
}

static _Noreturn void print_and_exit(const char *first, const char *second) {
    fputs(first, stdout);
    fputs(second, stdout);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

static char *take_flag(int id, struct parsing *parsing) {
    struct compileall_options *options = parsing->options;
    switch (id) {
    case OPTION_HELP:
        print_and_exit(usage, help);
    case OPTION_VERSION:
        print_and_exit(PROG " " PYCOMPILED_VERSION, "\n");
    case OPTION_LOCAL:
        parsing->local = true;
        break;
    case OPTION_FORCE:
        options->force = true;
        break;
    case OPTION_QUIET:
        options->quiet++;
        break;
    case OPTION_LEGACY:
        options->legacy = true;
        break;
    case OPTION_HARDLINK_DUPES:
        options->hardlink_dupes = true;
        break;
    case OPTION_STRICT:
        options->strict = true;
        break;
    case OPTION_VERBOSE:
        options->verbose = true;
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

static char *take_timeout(const char *value, struct compileall_options *options) {
    long timeout;
    char *why = argument_int(value, 0, INT_MAX, &timeout);
    if (why == NULL)
        options->request.timeout_ms = (int)timeout;
    return why;
}

static char *take(int id, const char *value, void *context) {
    struct parsing *parsing = context;
    struct compileall_options *options = parsing->options;
    const char **text = id == OPTION_DDIR          ? &options->ddir
                        : id == OPTION_STRIP       ? &options->name.strip
                        : id == OPTION_PREPEND     ? &options->name.prepend
                        : id == OPTION_PATTERN     ? &options->pattern
                        : id == OPTION_LIST        ? &options->list
                        : id == OPTION_LINKS_BELOW ? &options->links_below
                        : id == OPTION_PYTHON      ? &options->request.python
                        : id == OPTION_TIMING      ? &options->timing
                                                   : NULL;
    if (text != NULL) {
        *text = value;
        return NULL;
    }
    switch (id) {
    case OPTION_RECURSION:
        parsing->has_recursion = true;
        return argument_int(value, LONG_MIN, LONG_MAX, &parsing->recursion);
    case OPTION_WORKERS:
        return argument_int(value, LONG_MIN, LONG_MAX, &parsing->workers);
    case OPTION_OPTIMIZE:
        return add_level(parsing, value);
    case OPTION_INVALIDATION_MODE:
        return argument_choice(value, invalidation_choices, &options->request.invalidation_mode);
    case OPTION_WARNING:
        environment_add_warning(&options->environment, value);
        return NULL;
    case OPTION_TIMEOUT:
        return take_timeout(value, options);
    case OPTION_PRIORITY:
        return argument_choice(value, priority_choices, &options->request.priority);
    default:
        return take_flag(id, parsing);
    }
}

/* Ends the process as the exception that compileall leaves uncaught. */
static _Noreturn void refuse(const char *exception) {
    fprintf(stderr, "%s\n", exception);
    exit(1);
}

/* Empty ones count as not given where compileall takes them so. */
static const char *unless_empty(const char *text) {
    return text != NULL && *text != '\0' ? text : NULL;
}

static void judge(struct parsing *parsing, const struct arguments *arguments) {
    struct compileall_options *options = parsing->options;
    options->levels = parsing->has_recursion ? parsing->recursion : parsing->local ? 0 : LEVELS_DEFAULT;
    options->pattern = unless_empty(options->pattern);
    options->links_below = unless_empty(options->links_below);
    options->list = unless_empty(options->list);
    if (parsing->optimize_given <= 1 && options->hardlink_dupes)
        arguments_error(arguments, "Hardlinking of duplicated bytecode makes sense only for more than one "
                                   "optimization level.");
    if (options->ddir != NULL && (options->name.strip != NULL || options->name.prepend != NULL))
        arguments_error(arguments, "-d cannot be used in combination with -s or -p");
    if (parsing->workers < 0)
        refuse("ValueError: workers must be greater or equal to 0");
    if (options->hardlink_dupes && options->optimize_count < 2)
        refuse("ValueError: Hardlinking of duplicated bytecode makes sense only for more than one optimization "
               "level");
    if (options->optimize_count == 0)
        options->optimize[options->optimize_count++] = -1;
}

void compileall_options_parse(struct compileall_options *options, int argc, char **argv) {
    *options = (struct compileall_options){0};
    struct parsing parsing = {.options = options, .workers = 1};
    struct arguments arguments = {PROG, usage, table, sizeof table / sizeof *table, take, &parsing, OPTION_PYTHON};
    environment_init(&options->environment);
    environment_request(&options->environment, &options->request);
    options->dest_count = arguments_parse(&arguments, argc, argv, NULL);
    options->dests = argv + 1;
    /* -W options were added since. */
    options->request.warnings = options->environment.warnings->child ? options->environment.warnings : NULL;
    judge(&parsing, &arguments);
    options->request.legacy = options->legacy;
}

struct compileall_options compileall_options_without_names(const struct compileall_options *options) {
    struct compileall_options left = *options;
    left.ddir = left.pattern = left.links_below = NULL;
    left.name = (struct code_name){0};
    left.hardlink_dupes = false;
    left.optimize[0] = -1;
    left.optimize_count = 1;
    return left;
}

void compileall_options_deinit(struct compileall_options *options) {
    environment_deinit(&options->environment);
}
