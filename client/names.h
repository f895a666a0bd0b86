/* The names of the files to compile, one after the other: from the command line, or one on each line (or before each
 * NUL) of a descriptor that is read as it fills. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct names {
    char *const *list; /* NULL: from fd */
    size_t count;
    size_t next;
    int fd;
    bool eof;
    bool nul; /* names end with a NUL, not with a line */
    struct buffer in;
    size_t start;  /* of in: first byte not yet handed out */
    bool after_cr; /* a newline that comes next belongs to the previous line's end */
};

enum names_status {
    NAMES_READY, /* *name is the next name, valid until the next call */
    NAMES_WAIT,  /* no name is there yet: poll names->fd for reading, then call names_fill() */
    NAMES_END,
};

void names_init_list(struct names *names, char *const *list, size_t count);

/* Lines of `fd`, which stays the caller's. A name is a line without its end, which is a newline, a carriage return or
 * both, as in Python's text files. */
void names_init_fd(struct names *names, int fd);
/* Names of `fd` that end with a NUL each; the last one need not. */
void names_init_nul(struct names *names, int fd);

/* Opens a file of names, "-" being standard input. Returns the descriptor, or a negative errno value: -EISDIR too. */
int names_open(const char *path);
void names_deinit(struct names *names);

/* Takes the next name. A name with a NUL is handed out up to the NUL, and *truncated is set. */
enum names_status names_next(struct names *names, const char **name, bool *truncated);

/* Reads once from the descriptor (which may block). Returns 0 or a negative errno value. */
int names_fill(struct names *names);

/* The number of all names, or 0 if it is not known yet. */
size_t names_total(const struct names *names);
