/* Reads a command line as Python's argparse does, with its messages: long options may be abbreviated, short ones
 * clustered, and options may stand among the positionals.
 *
 * Knows no option: each program has a table, whose rows say where in a structure a value goes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/schema.h"

/* What an option does. Those from ARGUMENT_CALL_VALUE on take a value. */
enum argument_kind {
    ARGUMENT_CALL,       /* calls take() */
    ARGUMENT_FLAG,       /* sets a bool */
    ARGUMENT_COUNT,      /* adds one to an int */
    ARGUMENT_SET,        /* sets an int to `id` */
    ARGUMENT_HELP,       /* prints the usage and the help, and ends the process */
    ARGUMENT_VERSION,    /* prints the program and the version, and ends the process */
    ARGUMENT_CALL_VALUE, /* calls take() */
    ARGUMENT_TEXT,       /* sets a const char * */
    ARGUMENT_LIST,       /* appends to an array of strings, a cJSON * */
    ARGUMENT_INT,        /* sets an int from min to max */
    ARGUMENT_LONG,       /* sets a long */
    ARGUMENT_CHOICE,     /* sets an int to the value of a choice */
};

struct argument {
    char letter;      /* 0: none */
    const char *name; /* without the dashes; NULL: none */
    enum argument_kind kind;
    size_t offset; /* of what is set, in the context */
    int id;        /* for take(), or the value of ARGUMENT_SET */
    int min, max;
    const struct schema_choice *choices;
};

struct arguments {
    const char *prog;
    const char *usage; /* the usage line(s), ended by a newline */
    const char *help;  /* what follows them, or NULL where no row is ARGUMENT_HELP */
    const struct argument *table;
    size_t count;
    /* Takes an option (value NULL where it takes none). Returns NULL, or a message for
     * "argument NAME: message", which the parser frees. NULL where no row needs it. */
    char *(*take)(int id, const char *value, void *context);
    void *context;
    /* Rows from here on are options that the mirrored program does not have: an abbreviation that fits one of them and
     * one of the mirrored program's own means the latter. 0: all are alike. */
    size_t beyond;
    bool (*needs_none)(const void *context); /* whether the options make positionals needless; or NULL */
};

/* Reads argv[1..]. Positionals are moved to the front of argv[1..] and counted. A mistake ends the
 * process with the usage, argparse's message and status 2; `required` is how argparse names the
 * positionals where there must be one, or NULL. */
size_t arguments_parse(const struct arguments *arguments, int argc, char **argv, const char *required);

/* Ends the process as argparse's parser.error() does. */
_Noreturn void arguments_error(const struct arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Values of options, read as argparse reads them. Each function returns NULL, or argparse's message, which the caller
 * frees.
 *
 * An int(): spaces around it do not matter. */
char *argument_int(const char *text, long min, long max, long *number);

/* One of the choices, by name. */
char *argument_choice(const char *text, const struct schema_choice *choices, int *value);
