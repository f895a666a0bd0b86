/* A table of options; argument files are read as the parser meets them. */
#include "client/worker/precompile.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "base/python_version.h"
#include "client/arguments.h"
#include "proto/compile_request.h"

/* The longest file of arguments, in bytes, and how deep such files may name others. */
#define FILE_MAX ((size_t)64 << 20)
#define FILES_DEEP 10

enum precompile_option {
    OPTION_INVALIDATION_MODE,
    OPTION_OPTIMIZE,
    OPTION_PYTHON_VERSION,
    OPTION_MAGIC_NUMBER,
    OPTION_SRC,
    OPTION_SRC_NAME,
    OPTION_PYC,
    OPTION_IGNORED, /* taken, and without effect here */
    OPTION_NONE,
};

static const struct {
    const char *name;
    enum precompile_option option;
} precompile_options[] = {
    {"--invalidation_mode", OPTION_INVALIDATION_MODE},
    {"--optimize", OPTION_OPTIMIZE},
    {"--python_version", OPTION_PYTHON_VERSION},
    {"--magic_number", OPTION_MAGIC_NUMBER},
    {"--src", OPTION_SRC},
    {"--src_name", OPTION_SRC_NAME},
    {"--pyc", OPTION_PYC},
    {"--log_level", OPTION_IGNORED},
    {"--worker_impl", OPTION_IGNORED},
};

/* The state of a parse. */
struct precompile_parser {
    struct precompile *work;
    const char *folder;
    enum precompile_option option; /* the option whose value comes next, or OPTION_NONE */
    const char *name;              /* its name */
    size_t srcs, names, pycs;      /* how many were given */
    unsigned deep;                 /* files of arguments that are open */
};

char *precompile_path(const char *folder, const char *path) {
    return folder == NULL || path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", folder, path);
}

/* The source whose member is given for the n-th time; makes it where it is new. */
static struct precompile_source *precompile_source(struct precompile *work, size_t n) {
    if (n == work->count) {
        if ((n & (n - 1)) == 0)
            work->sources = xrealloc(work->sources, (n == 0 ? 1 : 2 * n) * sizeof *work->sources);
        work->sources[work->count++] = (struct precompile_source){0};
    }
    return &work->sources[n];
}

static char *precompile_take_mode(struct precompile *work, const char *value) {
    static const struct schema_choice modes[] = {{"unchecked_hash", INVALIDATION_UNCHECKED_HASH},
                                                 {"checked_hash", INVALIDATION_CHECKED_HASH},
                                                 {"timestamp", INVALIDATION_TIMESTAMP}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcasecmp(value, modes[i].name) == 0) {
            work->invalidation_mode = modes[i].value;
            return NULL;
        }
    }
    return xasprintf("argument --invalidation_mode: invalid choice: '%s' (choose from unchecked_hash, checked_hash, "
                     "timestamp)",
                     value);
}

/* Reads an integer from `min` to `max`. Returns NULL or a sentence, which the caller frees. */
static char *precompile_take_int(const char *name, const char *value, long min, long max, long *result) {
    char *why = argument_int(value, min, max, result);
    if (why == NULL)
        return NULL;
    char *text = xasprintf("argument %s: %s", name, why);
    free(why);
    return text;
}

static char *precompile_take_optimize(struct precompile *work, const char *value) {
    long level = 0;
    char *why = precompile_take_int("--optimize", value, -1, 2, &level);
    work->optimize = (int)level;
    return why;
}

static char *precompile_take_magic(struct precompile *work, const char *value) {
    long magic = 0;
    char *why = precompile_take_int("--magic_number", value, 1, UINT16_MAX, &magic);
    work->magic = (unsigned)magic;
    return why;
}

static char *precompile_take_version(struct precompile *work, const char *value) {
    struct python_version version;
    if (!python_version_exact(value, &version))
        return xasprintf("argument --python_version: '%s' is no version such as 3.13", value);
    free(work->python);
    work->python = xstrdup(value);
    return NULL;
}

/* Takes the value of the option at hand. */
static char *precompile_take_value(struct precompile_parser *parser, const char *value) {
    enum precompile_option option = parser->option;
    struct precompile *work = parser->work;
    parser->option = OPTION_NONE;
    switch (option) {
    case OPTION_INVALIDATION_MODE:
        return precompile_take_mode(work, value);
    case OPTION_OPTIMIZE:
        return precompile_take_optimize(work, value);
    case OPTION_PYTHON_VERSION:
        return precompile_take_version(work, value);
    case OPTION_MAGIC_NUMBER:
        return precompile_take_magic(work, value);
    case OPTION_SRC:
        precompile_source(work, parser->srcs++)->src = xstrdup(value);
        return NULL;
    case OPTION_SRC_NAME:
        precompile_source(work, parser->names++)->name = xstrdup(value);
        return NULL;
    case OPTION_PYC:
        precompile_source(work, parser->pycs++)->pyc = xstrdup(value);
        return NULL;
    case OPTION_IGNORED:
    case OPTION_NONE:
        break;
    }
    return NULL;
}

static char *precompile_take(struct precompile_parser *parser, const char *argument);

/* Takes each line of a file of arguments. */
static char *precompile_take_file(struct precompile_parser *parser, const char *name) {
    struct buffer text = {0};
    if (parser->deep == FILES_DEEP)
        return xasprintf("argument files are nested too deeply: @%s", name);
    char *path = precompile_path(parser->folder, name), *why = NULL, *rest;
    int status = io_read_file(AT_FDCWD, path, 0, FILE_MAX, &text);
    if (status < 0)
        why = xasprintf("cannot read the argument file %s: %s", path, strerror(-status));
    parser->deep++;
    for (char *line = buffer_string(&text); why == NULL && *line != '\0'; line = rest) {
        rest = line + strcspn(line, "\n");
        if (*rest == '\n')
            *rest++ = '\0';
        why = precompile_take(parser, line);
    }
    parser->deep--;
    buffer_deinit(&text);
    free(path);
    return why;
}

static char *precompile_take_option(struct precompile_parser *parser, const char *argument) {
    size_t len = strcspn(argument, "=");
    for (size_t i = 0; i < sizeof precompile_options / sizeof *precompile_options; i++) {
        const char *name = precompile_options[i].name;
        if (strlen(name) != len || strncmp(name, argument, len) != 0)
            continue;
        parser->option = precompile_options[i].option;
        parser->name = name;
        return argument[len] == '=' ? precompile_take_value(parser, argument + len + 1) : NULL;
    }
    return xasprintf("unrecognized arguments: %s", argument);
}

/* Takes an argument: a value, a file of arguments, or an option. */
static char *precompile_take(struct precompile_parser *parser, const char *argument) {
    bool is_file = argument[0] == '@' && argument[1] != '@' && argument[1] != '\0';
    if (is_file)
        return precompile_take_file(parser, argument + 1);
    if (argument[0] == '@' && argument[1] == '@')
        argument++;
    return parser->option != OPTION_NONE ? precompile_take_value(parser, argument)
                                         : precompile_take_option(parser, argument);
}

static char *precompile_check(const struct precompile_parser *parser) {
    if (parser->option != OPTION_NONE)
        return xasprintf("argument %s: expected one argument", parser->name);
    if (parser->srcs == 0)
        return xstrdup("the following arguments are required: --src");
    if (parser->srcs != parser->names || parser->srcs != parser->pycs)
        return xasprintf("%zu --src, %zu --src_name and %zu --pyc were given; there must be as many of each",
                         parser->srcs, parser->names, parser->pycs);
    return NULL;
}

char *precompile_parse(struct precompile *work, char *const *arguments, size_t count, const char *folder) {
    *work = (struct precompile){.invalidation_mode = INVALIDATION_CHECKED_HASH, .optimize = -1};
    struct precompile_parser parser = {.work = work, .folder = folder, .option = OPTION_NONE};
    char *why = NULL;
    for (size_t i = 0; i < count && why == NULL; i++)
        why = precompile_take(&parser, arguments[i]);
    return why != NULL ? why : precompile_check(&parser);
}

void precompile_deinit(struct precompile *work) {
    for (size_t i = 0; i < work->count; i++) {
        free(work->sources[i].src);
        free(work->sources[i].name);
        free(work->sources[i].pyc);
    }
    free(work->sources);
    free(work->python);
    *work = (struct precompile){0};
}
