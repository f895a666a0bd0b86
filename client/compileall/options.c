/* Follows Lib/compileall.py of CPython 3.13: main. */
#include "client/compileall/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "client/arguments.h"
#include "client/results/exit_code.h"

#define PROG "pycompileall-client"

/* sys.getrecursionlimit(): compileall's default. */
#define LEVELS_DEFAULT 1000
#define WORKERS_DEFAULT 1

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
    "options beyond compileall:\n" REQUEST_OPTION_PYTHON_HELP
    "  --venv [PATH]         compile what is installed in a virtual environment (default:\n"
    "                        $VIRTUAL_ENV, else .venv) and has changed since the last run\n"
    "  --stdlib              compile the standard library (too)\n"
    "  --check               compile all sources and write nothing; with several --python, for\n"
    "                        each of them\n" REQUEST_OPTIONS_NAMES_HELP(
        ", or of -i,") "  --strict              a file or folder that is not there is an error\n"
                       "  -v, --verbose         sum up on standard error at the end\n"
                       "  --json                print one JSON object a file on standard output instead of "
                       "text\n" REQUEST_OPTIONS_OUTPUT_HELP
                       "  --timing FILE         write which worker compiled what when, as a Chrome trace "
                       "(Perfetto)\n" REQUEST_OPTIONS_HELP;

enum { OPTION_RECURSION, OPTION_OPTIMIZE, OPTION_PYTHON };

/* Options that are judged when all are read. */
struct compileall_parsing {
    struct compileall_options options;
    bool local;
    bool has_recursion;
    long recursion;
    size_t optimize_given;
};

#define OFFSET(member) offsetof(struct compileall_parsing, member)
#define SHARED OFFSET(options.shared)
/* Rows of compileall's own options. */
#define OWN_COUNT 16

static const struct argument table[] = {
    {'h', "help", ARGUMENT_HELP, 0, 0, 0, 0, NULL},
    {'l', NULL, ARGUMENT_FLAG, OFFSET(local), 0, 0, 0, NULL},
    {'r', NULL, ARGUMENT_CALL_VALUE, 0, OPTION_RECURSION, 0, 0, NULL},
    {'f', NULL, ARGUMENT_FLAG, OFFSET(options.force), 0, 0, 0, NULL},
    {'q', NULL, ARGUMENT_COUNT, OFFSET(options.quiet), 0, 0, 0, NULL},
    {'b', NULL, ARGUMENT_FLAG, OFFSET(options.legacy), 0, 0, 0, NULL},
    {'d', NULL, ARGUMENT_TEXT, OFFSET(options.ddir), 0, 0, 0, NULL},
    {'s', NULL, ARGUMENT_TEXT, OFFSET(options.name.strip), 0, 0, 0, NULL},
    {'p', NULL, ARGUMENT_TEXT, OFFSET(options.name.prepend), 0, 0, 0, NULL},
    {'x', NULL, ARGUMENT_TEXT, OFFSET(options.pattern), 0, 0, 0, NULL},
    {'i', NULL, ARGUMENT_TEXT, OFFSET(options.list), 0, 0, 0, NULL},
    {'j', "workers", ARGUMENT_LONG, OFFSET(options.workers), 0, 0, 0, NULL},
    REQUEST_OPTION_INVALIDATION_MODE(SHARED),
    {'o', NULL, ARGUMENT_CALL_VALUE, 0, OPTION_OPTIMIZE, 0, 0, NULL},
    {'e', NULL, ARGUMENT_TEXT, OFFSET(options.links_below), 0, 0, 0, NULL},
    {0, "hardlink-dupes", ARGUMENT_FLAG, OFFSET(options.hardlink_dupes), 0, 0, 0, NULL},
    {0, "python", ARGUMENT_CALL_VALUE, 0, OPTION_PYTHON, 0, 0, NULL},
    {0, "venv", ARGUMENT_FLAG, OFFSET(options.venv), 0, 0, 0, NULL},
    {0, "stdlib", ARGUMENT_FLAG, OFFSET(options.stdlib), 0, 0, 0, NULL},
    {0, "check", ARGUMENT_FLAG, OFFSET(options.check), 0, 0, 0, NULL},
    {0, "strict", ARGUMENT_FLAG, OFFSET(options.strict), 0, 0, 0, NULL},
    {'v', "verbose", ARGUMENT_FLAG, OFFSET(options.verbose), 0, 0, 0, NULL},
    REQUEST_OPTIONS_NAMES(SHARED),
    REQUEST_OPTIONS_OUTPUT(SHARED),
    {0, "timing", ARGUMENT_TEXT, OFFSET(options.timing), 0, 0, 0, NULL},
    REQUEST_OPTIONS(SHARED),
};

/* Keeps the levels ascending, each once. */
static char *add_level(struct compileall_parsing *parsing, const char *text) {
    struct compileall_options *options = &parsing->options;
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

static char *add_python(struct compileall_options *options, const char *text) {
    if (options->python_count == COMPILEALL_PYTHONS_MAX)
        return xasprintf("more than %d Pythons", COMPILEALL_PYTHONS_MAX);
    options->pythons[options->python_count++] = options->shared.request.python = text;
    return NULL;
}

static char *compileall_options_take(int id, const char *value, void *context) {
    struct compileall_parsing *parsing = context;
    if (id == OPTION_OPTIMIZE)
        return add_level(parsing, value);
    if (id == OPTION_PYTHON)
        return add_python(&parsing->options, value);
    parsing->has_recursion = true;
    return argument_int(value, LONG_MIN, LONG_MAX, &parsing->recursion);
}

/* Ends the process as the exception that compileall leaves uncaught. */
static _Noreturn void compileall_options_refuse(const struct compileall_options *options, const char *exception) {
    fprintf(stderr, "%s\n", exception);
    exit(options->shared.exit_codes ? EXIT_CODE_USAGE : 1);
}

/* An empty value counts as not given where it does in compileall. */
static const char *unless_empty(const char *text) {
    return text != NULL && *text != '\0' ? text : NULL;
}

/* -0 and --files0-from are ways to say -i. */
static void judge_list(struct compileall_options *options, const struct arguments *arguments) {
    struct request_options *shared = &options->shared;
    if (shared->names_from != NULL && options->list != NULL)
        arguments_error(arguments, "argument --files0-from: not allowed with argument -i");
    if (shared->names_from != NULL)
        options->list = shared->names_from;
    else if (shared->nul_names && options->list == NULL)
        options->list = "-";
    shared->nul_names = shared->nul_names || shared->names_from != NULL;
}

/* --venv and --stdlib say what is compiled. */
static void judge_places(struct compileall_options *options, const struct arguments *arguments) {
    const char *name = options->venv ? "--venv" : "--stdlib";
    if (!options->venv && !options->stdlib)
        return;
    if (options->list != NULL || options->dest_count > (options->venv ? 1 : 0))
        arguments_error(arguments, "argument %s: not allowed with other files and folders", name);
    if (options->ddir != NULL || options->python_count > 1)
        arguments_error(arguments, "argument %s: not allowed with -d or several Pythons", name);
    if (options->venv && options->python_count == 0)
        options->shared.request.python = NULL; /* the environment's own, whatever $PYCOMPILE_PYTHON says */
}

static void compileall_options_judge(struct compileall_parsing *parsing, const struct arguments *arguments) {
    struct compileall_options *options = &parsing->options;
    options->levels = parsing->has_recursion ? parsing->recursion : parsing->local ? 0 : LEVELS_DEFAULT;
    options->pattern = unless_empty(options->pattern);
    options->links_below = unless_empty(options->links_below);
    options->list = unless_empty(options->list);
    judge_list(options, arguments);
    if (parsing->optimize_given <= 1 && options->hardlink_dupes)
        arguments_error(arguments, "Hardlinking of duplicated bytecode makes sense only for more than one "
                                   "optimization level.");
    if (options->ddir != NULL && (options->name.strip != NULL || options->name.prepend != NULL))
        arguments_error(arguments, "-d cannot be used in combination with -s or -p");
    if (options->check && options->hardlink_dupes)
        arguments_error(arguments, "argument --check: not allowed with argument --hardlink-dupes");
    if (!options->check && options->python_count > 1) /* the last one counts */
        options->pythons[0] = options->pythons[options->python_count - 1];
    if (!options->check && options->python_count > 1)
        options->python_count = 1;
    if (options->python_count > 1 && options->dest_count == 0 && options->list == NULL)
        arguments_error(arguments, "argument --check: with several Pythons, files and folders must be named");
    options->force = options->force || options->check;
    options->shared.request.write = !options->check;
    judge_places(options, arguments);
    if (options->workers < 0)
        compileall_options_refuse(options, "ValueError: workers must be greater or equal to 0");
    if (options->hardlink_dupes && options->optimize_count < 2)
        compileall_options_refuse(
            options, "ValueError: Hardlinking of duplicated bytecode makes sense only for more than one optimization "
                     "level");
    if (options->optimize_count == 0)
        options->optimize[options->optimize_count++] = -1;
}

void compileall_options_parse(struct compileall_options *options, int argc, char **argv) {
    struct compileall_parsing parsing = {.options = {.workers = WORKERS_DEFAULT}};
    struct compileall_options *parsed = &parsing.options;
    struct arguments arguments = {.prog = PROG,
                                  .usage = usage,
                                  .help = help,
                                  .table = table,
                                  .count = sizeof table / sizeof *table,
                                  .take = compileall_options_take,
                                  .context = &parsing,
                                  .beyond = OWN_COUNT};
    request_options_init(&parsed->shared);
    parsed->dest_count = arguments_parse(&arguments, argc, argv, NULL);
    parsed->dests = argv + 1;
    request_options_finish(&parsed->shared);
    compileall_options_judge(&parsing, &arguments);
    parsed->shared.request.legacy = parsed->legacy;
    *options = *parsed;
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

static void fallback_add_number(struct fallback *fallback, const char *option, long number) {
    char *text = xasprintf("%ld", number);
    fallback_add_value(fallback, option, text);
    free(text);
}

static void fallback_add_flag(struct fallback *fallback, const char *option, bool given) {
    if (given)
        fallback_add(fallback, option);
}

/* Options whose value is a number or a choice. */
static void fallback_add_settings(struct fallback *fallback, const struct compileall_options *options) {
    bool has_levels = options->optimize_count > 1 || options->optimize[0] != -1;
    if (options->levels != LEVELS_DEFAULT)
        fallback_add_number(fallback, "-r", options->levels);
    if (options->workers != WORKERS_DEFAULT)
        fallback_add_number(fallback, "-j", options->workers);
    for (size_t i = 0; has_levels && i < options->optimize_count; i++)
        fallback_add_number(fallback, "-o", options->optimize[i]);
    for (const struct schema_choice *choice = invalidation_choices; choice->name != NULL; choice++)
        if (choice->value == options->shared.request.invalidation_mode)
            fallback_add_value(fallback, "--invalidation-mode", choice->name);
}

void compileall_options_fallback(const struct compileall_options *options, struct fallback *fallback) {
    fallback_init(fallback, PROG, "compileall", &options->shared);
    fallback_refuse(fallback, "--venv", options->venv);
    fallback_refuse(fallback, "--stdlib", options->stdlib);
    fallback_refuse(fallback, "--check", options->check);
    fallback_refuse(fallback, "--strict", options->strict);
    fallback_refuse(fallback, "--verbose", options->verbose);
    fallback_refuse(fallback, "--timing", options->timing != NULL);
    fallback_refuse(fallback, "--canonical", options->shared.request.canonical);
    fallback_add_flag(fallback, "-f", options->force);
    for (int i = 0; i < options->quiet; i++)
        fallback_add(fallback, "-q");
    fallback_add_flag(fallback, "-b", options->legacy);
    fallback_add_value(fallback, "-d", options->ddir);
    fallback_add_value(fallback, "-s", options->name.strip);
    fallback_add_value(fallback, "-p", options->name.prepend);
    fallback_add_value(fallback, "-x", options->pattern);
    fallback_add_value(fallback, "-i", options->list);
    fallback_add_value(fallback, "-e", options->links_below);
    fallback_add_settings(fallback, options);
    fallback_add_flag(fallback, "--hardlink-dupes", options->hardlink_dupes);
    fallback_add_names(fallback, options->dests, options->dest_count);
}

void compileall_options_deinit(struct compileall_options *options) {
    request_options_deinit(&options->shared);
}
