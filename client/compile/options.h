/* The command line of pycompile-client: py_compile's, and the long options beyond it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/fallback.h"
#include "client/request_options.h"

struct compile_options {
    struct request_options shared;
    bool quiet;
    bool keep_going;
    bool check;
    bool sets_level; /* -o, other than -1 */
    bool from_list;  /* the names come from standard input, or a file */
    char **files;    /* part of argv */
    size_t file_count;
};

/* Reads the command line and the environment. A mistake, --help and --version end the process. */
void compile_options_parse(struct compile_options *options, int argc, char **argv);
/* The same as a command line of py_compile. The caller calls fallback_deinit(). */
void compile_options_fallback(const struct compile_options *options, struct fallback *fallback);
void compile_options_deinit(struct compile_options *options);
