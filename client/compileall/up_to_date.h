/* Judges by their headers whether a source's .pyc files are up to date: magic number, time and size of the source
 * (PEP 552). For hash-based files the host judges. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "client/compileall/walk.h"

struct up_to_date {
    uint32_t magic;
    const char *cache_tag;
    const int *optimize; /* the levels that must have a .pyc */
    size_t optimize_count;
    int optimize_default; /* the level that -1 means */
    bool legacy;
    const char *prefix; /* sys.pycache_prefix, or NULL */
    const char *cwd;
    bool strip_dot; /* of pyc_path() */
};

/* Whether all of them are up to date. They are opened relative to the entry's folder if they are below it. */
bool up_to_date_check(const struct up_to_date *how, const struct walk_entry *entry, const struct stat *source);

/* The .pyc of the source at `path` for a level, -1 being the default one; the caller frees. Needs a cache tag. */
char *up_to_date_path(const struct up_to_date *how, const char *path, int optimize);
