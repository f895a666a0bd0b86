/* Whether a source's .pyc files are what compiling it now would write, judged by their headers: magic number, time and
 * size of the source (PEP 552). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "client/compileall/walk.h"

struct up_to_date {
    uint32_t magic;
    const char *cache_tag;
    const int *optimize; /* the levels whose .pyc there must be */
    size_t optimize_count;
    int optimize_default; /* what -1 means */
    bool legacy;
    const char *prefix; /* sys.pycache_prefix, or NULL */
    const char *cwd;
    bool strip_dot; /* see base/pyc_path.h */
};

/* Looks at all of them; relative to the entry's folder where the .pyc files are below it. */
bool up_to_date_check(const struct up_to_date *how, const struct walk_entry *entry, const struct stat *source);
