/* The place of a source's .pyc: PEP 3147 and PEP 488, as importlib.util.cache_from_source of CPython 3.9 to 3.14
 * computes it. Uses no Python and no disk. */
#pragma once

#include <stdbool.h>

/* The path for `file`; the caller frees.
 *
 * `tag`: sys.implementation.cache_tag. `optimize`: -1 and 0 add nothing, N adds ".opt-N". `prefix`: sys.pycache_prefix;
 * NULL or "" for none. With a prefix, `cwd` is the folder where a relative file starts (may be NULL for an absolute
 * one), and `strip_dot` drops a "./" at the front of the file, as 3.12 and later do. */
char *pyc_path(const char *file, const char *tag, int optimize, const char *prefix, const char *cwd, bool strip_dot);

/* The path for compileall's -b: the source's path with "c" appended. */
char *pyc_path_legacy(const char *file);
