/* The command line of pycompileall-client: compileall's, and the long options beyond it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/compileall/code_name.h"
#include "client/fallback.h"
#include "client/request_options.h"

/* The most levels of -o; there are fewer levels than that. */
#define COMPILEALL_LEVELS_MAX 16

/* The most Pythons that one --check compiles for. */
#define COMPILEALL_PYTHONS_MAX 16

struct compileall_options {
    char **dests; /* part of argv */
    size_t dest_count;
    const char *list; /* -i, or NULL */
    long levels;      /* of folders below a named one */
    bool force;
    int quiet; /* 0; 1: only errors; 2: nothing */
    bool legacy;
    const char *ddir; /* -d, or NULL */
    struct code_name name;
    const char *pattern;     /* -x, or NULL */
    const char *links_below; /* -e, or NULL */
    bool hardlink_dupes;
    int optimize[COMPILEALL_LEVELS_MAX]; /* ascending, each once */
    size_t optimize_count;
    long workers; /* -j, which only a fallback uses */
    bool strict;  /* a missing name is an error */
    bool venv;    /* the files are an environment's: `dests` has its folder, or nothing */
    bool stdlib;  /* the library (too) */
    bool check;   /* compile, and write nothing */
    const char
        *pythons[COMPILEALL_PYTHONS_MAX]; /* each --python, as it was typed; without --check the last one counts */
    size_t python_count;
    bool verbose;
    const char *timing; /* --timing, or NULL */
    struct request_options shared;
};

/* The options that count when nothing is named: compileall then knows only -f, -q, -b and --invalidation-mode. The
 * result borrows the same strings. */
struct compileall_options compileall_options_without_names(const struct compileall_options *options);

/* Reads the command line and the environment. A mistake, --help and --version end the process. */
void compileall_options_parse(struct compileall_options *options, int argc, char **argv);
/* The same as a command line of compileall. The caller calls fallback_deinit(). */
void compileall_options_fallback(const struct compileall_options *options, struct fallback *fallback);
void compileall_options_deinit(struct compileall_options *options);
