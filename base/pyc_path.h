/* Where the .pyc of a source goes: PEP 3147 and PEP 488, as importlib.util.cache_from_source of CPython 3.9 to
 * 3.14 computes it. Pure: no Python, no disk. */
#pragma once

#include <stdbool.h>

/* The path for `file`; the caller frees. `tag`: sys.implementation.cache_tag. `optimize`: -1 and 0 add nothing,
 * N adds ".opt-N". `prefix`: sys.pycache_prefix, or NULL or "" for none; then `cwd` is where a relative file
 * starts (may be NULL for an absolute one), and `strip_dot` leaves out the "./" at its front, as 3.12 and later
 * do. */
char *pyc_path(const char *file, const char *tag, int optimize, const char *prefix, const char *cwd, bool strip_dot);

/* The path of compileall's -b: the source's with "c" behind it. */
char *pyc_path_legacy(const char *file);
