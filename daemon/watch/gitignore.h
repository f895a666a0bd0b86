/* The rules of one .gitignore file (gitignore(5)), and which paths below its folder they ignore. Touches no disk.
 *
 * The file may be anybody's. Rules are bounded in number and length. Matching does not backtrack in more than one place
 * at a time: it takes at most as many steps as the product of the lengths of pattern and path. Callers bound the steps
 * for all rules together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The rules of a file beyond this number are not read. A longer pattern is not read either: no path could match it. */
#define GITIGNORE_RULES_MAX 10000
#define GITIGNORE_PATTERN_MAX 4096

struct gitignore;

enum gitignore_verdict {
    GITIGNORE_SILENT, /* no rule matches: ask the .gitignore of a folder above */
    GITIGNORE_IGNORED,
    GITIGNORE_KEPT, /* by a rule that begins with ! */
};

/* Reads the rules in `len` bytes of text. */
struct gitignore *gitignore_parse(const char *text, size_t len);

/* About the bytes that the rules hold in memory: for short ones many times their text. */
size_t gitignore_size(const struct gitignore *rules);

/* Takes NULL; returns NULL. */
struct gitignore *gitignore_free(struct gitignore *rules);

/* The verdict on a path relative to the folder of the rules: the last rule that matches counts. The folders on the path
 * are not looked at; everything in an ignored folder is ignored. *steps is the budget: it goes down by the steps taken,
 * and at 0 no further rule matches. */
enum gitignore_verdict gitignore_check(const struct gitignore *rules, const char *path, bool is_folder,
                                       unsigned *steps);
