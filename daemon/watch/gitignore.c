/* See gitignore.h. Follows gitignore(5): "PATTERN FORMAT". */
#include "daemon/watch/gitignore.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

struct rule {
    char *pattern; /* without the slash that it begins or ends with */
    bool keeps;
    bool anchored; /* matches the whole path, else its last name */
    bool folders_alone;
};

struct gitignore {
    struct rule *rules;
    size_t count;
};

/* Cuts off what is not the pattern's: the line's end, and spaces before it that no backslash keeps. */
static size_t pattern_length(const char *line, size_t len) {
    if (len > 0 && line[len - 1] == '\r')
        len--;
    while (len > 0 && line[len - 1] == ' ' && !(len > 1 && line[len - 2] == '\\'))
        len--;
    return len;
}

static void add_rule(struct gitignore *rules, const char *line, size_t len) {
    struct rule rule = {0};
    len = pattern_length(line, len);
    if (len == 0 || *line == '#')
        return;
    if (*line == '!') {
        rule.keeps = true;
        line++, len--;
    }
    if (len > 0 && line[len - 1] == '/') {
        rule.folders_alone = true;
        len--;
    }
    rule.anchored = memchr(line, '/', len) != NULL;
    if (len > 0 && *line == '/')
        line++, len--;
    if (len == 0)
        return;
    rule.pattern = xstrndup(line, len);
    rules->rules = xrealloc(rules->rules, (rules->count + 1) * sizeof *rules->rules);
    rules->rules[rules->count++] = rule;
}

struct gitignore *gitignore_parse(const char *text, size_t len) {
    struct gitignore *rules = xcalloc(1, sizeof *rules);
    const char *end = text + len;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        add_rule(rules, text, (size_t)(stop - text));
        text = stop + (newline != NULL);
    }
    return rules;
}

struct gitignore *gitignore_free(struct gitignore *rules) {
    for (size_t i = 0; rules != NULL && i < rules->count; i++)
        free(rules->rules[i].pattern);
    if (rules != NULL)
        free(rules->rules);
    free(rules);
    return NULL;
}

static bool names_match(const char *pattern, size_t pattern_len, const char *name, size_t name_len) {
    char *p = xstrndup(pattern, pattern_len), *n = xstrndup(name, name_len);
    bool match = fnmatch(p, n, 0) == 0;
    free(p);
    free(n);
    return match;
}

/* Name by name; ** stands for any number of them, at the end for at least one. */
static bool paths_match(const char *pattern, const char *path) {
    size_t pattern_len = strcspn(pattern, "/"), path_len = strcspn(path, "/");
    bool pattern_ends = pattern[pattern_len] == '\0', path_ends = path[path_len] == '\0';
    if (pattern_len == 2 && memcmp(pattern, "**", 2) == 0) {
        if (pattern_ends)
            return true;
        return paths_match(pattern + 3, path) || (!path_ends && paths_match(pattern, path + path_len + 1));
    }
    if (!names_match(pattern, pattern_len, path, path_len))
        return false;
    if (pattern_ends || path_ends)
        return pattern_ends && path_ends;
    return paths_match(pattern + pattern_len + 1, path + path_len + 1);
}

static bool rule_matches(const struct rule *rule, const char *path, const char *name, bool is_folder) {
    if (rule->folders_alone && !is_folder)
        return false;
    return rule->anchored ? paths_match(rule->pattern, path) : fnmatch(rule->pattern, name, 0) == 0;
}

enum gitignore_verdict gitignore_check(const struct gitignore *rules, const char *path, bool is_folder) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = rules->count; i-- > 0;)
        if (rule_matches(&rules->rules[i], path, name, is_folder))
            return rules->rules[i].keeps ? GITIGNORE_KEPT : GITIGNORE_IGNORED;
    return GITIGNORE_SILENT;
}
