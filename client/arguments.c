/* The order of the checks is that of argparse._parse_optional(). */
#include "client/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "client/stderr_text.h"

struct parser {
    const struct arguments *arguments;
    int argc;
    char **argv;
    int at;
    size_t positionals;
    struct buffer unknown; /* separated by blanks, each with one in front */
};

_Noreturn void arguments_error(const struct arguments *arguments, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    char *longer = NULL;
    if (len >= (int)sizeof message) {
        longer = xmalloc((size_t)len + 1);
        va_start(args, format);
        vsnprintf(longer, (size_t)len + 1, format, args);
        va_end(args);
    }
    char *text = xasprintf("%s%s: error: %s\n", arguments->usage, arguments->prog, longer ? longer : message);
    stderr_text_print(text);
    free(text);
    free(longer);
    exit(2);
}

char *argument_int(const char *text, long min, long max, long *number) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool digits = end != text;
    while (isspace((unsigned char)*end))
        end++;
    if (!digits || *end != '\0')
        return xasprintf("invalid int value: '%s'", text);
    if (errno != 0 || value < min || value > max)
        return xasprintf("not from %ld to %ld: '%s'", min, max, text);
    *number = value;
    return NULL;
}

char *argument_choice(const char *text, const struct schema_choice *choices, int *value) {
    struct buffer names = {0};
    for (; choices->name != NULL; choices++) {
        if (strcmp(choices->name, text) == 0) {
            *value = choices->value;
            buffer_deinit(&names);
            return NULL;
        }
        buffer_printf(&names, "%s'%s'", names.len ? ", " : "", choices->name);
    }
    char *why = xasprintf("invalid choice: '%s' (choose from %s)", text, buffer_string(&names));
    buffer_deinit(&names);
    return why;
}

static const char *label(const struct argument *argument) {
    static char text[64];
    if (argument->name == NULL)
        snprintf(text, sizeof text, "-%c", argument->letter);
    else if (argument->letter)
        snprintf(text, sizeof text, "-%c/--%s", argument->letter, argument->name);
    else
        snprintf(text, sizeof text, "--%s", argument->name);
    return text;
}

static const struct argument *find_letter(const struct arguments *arguments, char letter) {
    for (size_t i = 0; i < arguments->count; i++)
        if (letter != '\0' && arguments->table[i].letter == letter)
            return &arguments->table[i];
    return NULL;
}

static bool takes_value(const struct argument *argument) {
    return argument->kind >= ARGUMENT_CALL_VALUE;
}

static bool begins_with(const struct argument *argument, const char *text, size_t len) {
    return argument->name != NULL && strncmp(argument->name, text, len) == 0;
}

static _Noreturn void ambiguous(const struct arguments *arguments, const char *text, size_t len) {
    struct buffer matches = {0};
    for (size_t i = 0; i < arguments->count; i++)
        if (begins_with(&arguments->table[i], text, len))
            buffer_printf(&matches, "%s--%s", matches.len ? ", " : "", arguments->table[i].name);
    arguments_error(arguments, "ambiguous option: --%s could match %s", text, buffer_string(&matches));
}

/* `text` is what follows the dashes, up to "=" or the end. */
static const struct argument *find_name(const struct arguments *arguments, const char *text) {
    size_t len = strcspn(text, "="), matches = 0, beyond = 0;
    const struct argument *found = NULL;
    for (size_t i = 0; i < arguments->count; i++) {
        const struct argument *argument = &arguments->table[i];
        if (!begins_with(argument, text, len))
            continue;
        if (argument->name[len] == '\0')
            return argument;
        bool is_beyond = i >= arguments->beyond;
        if (found == NULL || found >= &arguments->table[arguments->beyond])
            found = argument;
        matches++;
        beyond += is_beyond;
    }
    if (matches > 1 && matches - beyond != 1)
        ambiguous(arguments, text, len);
    return found;
}

/* argparse: ^-\d+$|^-\d*\.\d+$ */
static bool is_negative_number(const char *text) {
    static const char digits[] = "0123456789";
    size_t whole = strspn(text + 1, digits);
    const char *rest = text + 1 + whole;
    if (*rest == '\0')
        return whole > 0;
    size_t fraction = *rest == '.' ? strspn(rest + 1, digits) : 0;
    return fraction > 0 && rest[1 + fraction] == '\0';
}

/* Whether it is an option, known or not. */
static bool is_option(const struct arguments *arguments, const char *text) {
    if (text[0] != '-' || text[1] == '\0')
        return false;
    bool known = text[1] == '-' ? find_name(arguments, text + 2) != NULL : find_letter(arguments, text[1]) != NULL;
    return known || (!is_negative_number(text) && strchr(text, ' ') == NULL);
}

static _Noreturn void print_and_exit(const char *first, const char *second) {
    fputs(first, stdout);
    fputs(second, stdout);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

/* Does what the row says. Returns NULL, or a message. */
static char *argument_take(const struct arguments *arguments, const struct argument *argument, const char *value) {
    char *place = (char *)arguments->context + argument->offset;
    char *why = NULL;
    long number;
    switch (argument->kind) {
    case ARGUMENT_FLAG:
        *(bool *)place = true;
        return NULL;
    case ARGUMENT_COUNT:
        ++*(int *)place;
        return NULL;
    case ARGUMENT_SET:
        *(int *)place = argument->id;
        return NULL;
    case ARGUMENT_TEXT:
        *(const char **)place = value;
        return NULL;
    case ARGUMENT_LIST:
        cJSON_AddItemToArray(*(cJSON **)place, cJSON_CreateString(value));
        return NULL;
    case ARGUMENT_INT:
        why = argument_int(value, argument->min, argument->max, &number);
        if (why == NULL)
            *(int *)place = (int)number;
        return why;
    case ARGUMENT_LONG:
        return argument_int(value, LONG_MIN, LONG_MAX, (long *)place);
    case ARGUMENT_CHOICE:
        return argument_choice(value, argument->choices, (int *)place);
    case ARGUMENT_HELP:
        print_and_exit(arguments->usage, arguments->help);
    case ARGUMENT_VERSION:
        print_and_exit(arguments->prog, " " PYCOMPILED_VERSION "\n");
    default:
        return arguments->take(argument->id, value, arguments->context);
    }
}

static void parser_take(struct parser *parser, const struct argument *argument, const char *value) {
    const struct arguments *arguments = parser->arguments;
    char *why = argument_take(arguments, argument, value);
    if (why != NULL)
        arguments_error(arguments, "argument %s: %s", label(argument), why);
}

/* The value of an option that stands alone: the next argument. */
static const char *next_value(struct parser *parser, const struct argument *argument) {
    int next = parser->at + 1;
    if (next >= parser->argc || strcmp(parser->argv[next], "--") == 0 ||
        is_option(parser->arguments, parser->argv[next]))
        arguments_error(parser->arguments, "argument %s: expected one argument", label(argument));
    parser->at = next;
    return parser->argv[next];
}

static void take_long(struct parser *parser, const char *text) {
    const struct argument *argument = find_name(parser->arguments, text + 2);
    const char *equals = strchr(text, '=');
    if (argument == NULL)
        buffer_printf(&parser->unknown, " %s", text);
    else if (equals != NULL && !takes_value(argument))
        arguments_error(parser->arguments, "argument %s: ignored explicit argument '%s'", label(argument), equals + 1);
    else if (!takes_value(argument))
        parser_take(parser, argument, NULL);
    else
        parser_take(parser, argument, equals ? equals + 1 : next_value(parser, argument));
}

static void take_cluster(struct parser *parser, const char *text) {
    const char *at = text + 1;
    const struct argument *argument = find_letter(parser->arguments, *at);
    for (; argument != NULL && !takes_value(argument); argument = find_letter(parser->arguments, *at)) {
        at++;
        if (*at == '=')
            arguments_error(parser->arguments, "argument %s: ignored explicit argument '%s'", label(argument), at + 1);
        parser_take(parser, argument, NULL);
        if (*at == '\0')
            return;
    }
    if (argument == NULL)
        buffer_printf(&parser->unknown, " %s%s", at == text + 1 ? "" : "-", at == text + 1 ? text : at);
    else if (at[1] == '\0')
        parser_take(parser, argument, next_value(parser, argument));
    else
        parser_take(parser, argument, at + 1 + (at[1] == '='));
}

size_t arguments_parse(const struct arguments *arguments, int argc, char **argv, const char *required) {
    struct parser parser = {.arguments = arguments, .argc = argc, .argv = argv};
    bool only_positionals = false;
    for (parser.at = 1; parser.at < argc; parser.at++) {
        char *text = argv[parser.at];
        if (!only_positionals && strcmp(text, "--") == 0)
            only_positionals = true;
        else if (only_positionals || !is_option(arguments, text))
            argv[1 + parser.positionals++] = text;
        else if (text[1] == '-')
            take_long(&parser, text);
        else
            take_cluster(&parser, text);
    }
    bool needs_none = arguments->needs_none != NULL && arguments->needs_none(arguments->context);
    if (required != NULL && parser.positionals == 0 && !needs_none)
        arguments_error(arguments, "the following arguments are required: %s", required);
    if (parser.unknown.len > 0)
        arguments_error(arguments, "unrecognized arguments:%s", buffer_string(&parser.unknown));
    buffer_deinit(&parser.unknown);
    return parser.positionals;
}
