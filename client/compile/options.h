/* The command line of pycompile-client: py_compile's, and the long options beyond it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/environment.h"
#include "proto/compile_request.h"

struct options {
    bool quiet;
    bool keep_going;
    bool json;
    bool from_stdin; /* the names come from standard input */
    char **files;    /* part of argv */
    size_t file_count;
    struct environment environment;
    struct compile_request request; /* borrows from environment and argv; `file` is not set */
};

/* Reads the command line and the environment. A mistake, --help and --version end the process. */
void options_parse(struct options *options, int argc, char **argv);
void options_deinit(struct options *options);
