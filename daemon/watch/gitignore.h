/* The rules of a .gitignore (gitignore(5)): which paths below its folder are ignored. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct gitignore;

enum gitignore_verdict {
    GITIGNORE_SILENT, /* no rule says anything: ask the .gitignore of a folder above */
    GITIGNORE_IGNORED,
    GITIGNORE_KEPT, /* by a rule that begins with ! */
};

/* Reads rules of `len` bytes of text. The caller calls gitignore_free(), which takes NULL. */
struct gitignore *gitignore_parse(const char *text, size_t len);
struct gitignore *gitignore_free(struct gitignore *rules);

/* What the rules say of a path relative to their folder; the last that matches counts. The folders above it are not
 * looked at: what lies in an ignored folder is ignored. */
enum gitignore_verdict gitignore_check(const struct gitignore *rules, const char *path, bool is_folder);
