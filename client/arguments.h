/* A command line read the way Python's argparse reads it, with its messages: long options may be
 * abbreviated, short ones clustered, options may stand among the positionals.
 *
 * Knows no option; each program has a table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct argument {
    char letter;      /* 0: none */
    const char *name; /* without the dashes; NULL: none */
    bool takes_value;
    int id;
};

struct arguments {
    const char *prog;
    const char *usage; /* the usage line(s), ended by a newline */
    const struct argument *table;
    size_t count;
    /* Takes an option (value NULL where it takes none). Returns NULL, or a message for
     * "argument NAME: message", which the parser frees. */
    char *(*take)(int id, const char *value, void *context);
    void *context;
    /* Ids from here on are options that the program that is followed does not have: where an abbreviation fits them and
     * one of its own, it means that one. 0: all are alike. */
    int beyond;
};

/* Reads argv[1..]. Positionals are moved to the front of argv[1..] and counted. A mistake ends the
 * process with the usage, argparse's message and status 2; `required` is how argparse names the
 * positionals where there must be one, or NULL. */
size_t arguments_parse(const struct arguments *arguments, int argc, char **argv, const char *required);

/* Ends the process as argparse's parser.error() does. */
_Noreturn void arguments_error(const struct arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
