/* Follows gitignore(5), "PATTERN FORMAT". A name is matched byte by byte, a path name by name, both by the same method:
 * after a mismatch the last star that was met takes one byte or name more. Longer matches of an earlier star could not
 * help. */
#include "daemon/watch/gitignore.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

struct rule {
    char *pattern; /* without the slash at its beginning or end */
    bool keeps;
    bool anchored; /* matches the whole path, else only its last name */
    bool folders_alone;
};

/* Bytes of a pattern or of a name. */
struct part {
    const char *text;
    size_t len;
};

struct gitignore {
    struct rule *rules;
    size_t count;
    size_t pattern_bytes;
};

/* The length of a line without the end of the line, and without spaces before it that have no backslash. */
static size_t pattern_length(const char *line, size_t len) {
    if (len > 0 && line[len - 1] == '\r')
        len--;
    while (len > 0 && line[len - 1] == ' ' && !(len > 1 && line[len - 2] == '\\'))
        len--;
    return len;
}

static void rule_add(struct gitignore *rules, const char *line, size_t len) {
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
    if (len == 0 || len > GITIGNORE_PATTERN_MAX || rules->count == GITIGNORE_RULES_MAX)
        return;
    rule.pattern = xstrndup(line, len);
    rules->pattern_bytes += len + 1 + ALLOCATION_BYTES;
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
        rule_add(rules, text, (size_t)(stop - text));
        text = stop + (newline != NULL);
    }
    return rules;
}

size_t gitignore_size(const struct gitignore *rules) {
    return sizeof *rules + rules->count * sizeof *rules->rules + rules->pattern_bytes;
}

struct gitignore *gitignore_free(struct gitignore *rules) {
    for (size_t i = 0; rules != NULL && i < rules->count; i++)
        free(rules->rules[i].pattern);
    if (rules != NULL)
        free(rules->rules);
    free(rules);
    return NULL;
}

static bool class_has(struct part name, unsigned char c) {
    static const struct {
        const char *name;
        const char *ranges; /* pairs of first and last byte */
    } classes[] = {
        {"alnum", "09AZaz"},   {"alpha", "AZaz"},   {"blank", "  \t\t"}, {"cntrl", "\001\037\177\177"},
        {"digit", "09"},       {"graph", "!~"},     {"lower", "az"},     {"print", " ~"},
        {"punct", "!/:@[`{~"}, {"space", "\t\r  "}, {"upper", "AZ"},     {"xdigit", "09AFaf"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strlen(classes[i].name) != name.len || memcmp(classes[i].name, name.text, name.len) != 0)
            continue;
        for (const char *range = classes[i].ranges; *range != '\0'; range += 2)
            if (c >= (unsigned char)range[0] && c <= (unsigned char)range[1])
                return true;
    }
    return false;
}

/* Reads one byte of a bracket, and drops a backslash before it. Returns whether there is one. */
static bool bracket_byte(const char **at, const char *end, unsigned char *byte) {
    if (*at < end && **at == '\\')
        (*at)++;
    if (*at >= end)
        return false;
    *byte = (unsigned char)*(*at)++;
    return true;
}

/* Reads an element of a bracket: a class, a range or a byte. Returns whether it is well-formed; sets *has to whether it
 * contains the byte `c`. */
static bool bracket_element(const char **at, const char *end, unsigned char c, bool *has) {
    unsigned char first, last;
    const char *close =
        end - *at > 4 && memcmp(*at, "[:", 2) == 0 ? memmem(*at + 2, (size_t)(end - *at) - 2, ":]", 2) : NULL;
    if (close != NULL) {
        *has = class_has((struct part){*at + 2, (size_t)(close - *at) - 2}, c);
        *at = close + 2;
        return true;
    }
    if (!bracket_byte(at, end, &first))
        return false;
    last = first;
    if (end - *at > 1 && **at == '-' && (*at)[1] != ']') {
        (*at)++;
        if (!bracket_byte(at, end, &last))
            return false;
    }
    *has = c >= first && c <= last;
    return true;
}

/* Returns the length of the bracket with which the pattern begins, or 0 if it is not closed. Sets *matches to whether
 * it matches the byte. */
static size_t bracket_match(struct part pattern, unsigned char c, bool *matches) {
    const char *at = pattern.text + 1, *end = pattern.text + pattern.len;
    bool negated = at < end && (*at == '!' || *at == '^'), found = false;
    at += negated;
    for (bool first = true; at < end && (first || *at != ']'); first = false) {
        bool has;
        if (!bracket_element(&at, end, c, &has))
            return 0;
        found = found || has;
    }
    *matches = found != negated;
    return at < end ? (size_t)(at + 1 - pattern.text) : 0;
}

/* Matches the first element of the pattern, which is not a star, with a byte. Returns the element's length, or 0 if it
 * does not match. */
static size_t element_match(struct part pattern, unsigned char c) {
    bool matches = false;
    size_t len = 0;
    if (pattern.len == 0)
        return 0;
    switch (*pattern.text) {
    case '?':
        return 1;
    case '[':
        len = bracket_match(pattern, c, &matches);
        return matches ? len : 0;
    case '\\':
        return pattern.len > 1 && (unsigned char)pattern.text[1] == c ? 2 : 0;
    default:
        return (unsigned char)*pattern.text == c;
    }
}

/* Takes `count` steps from the budget. Returns whether more than these were left. */
static bool steps_take(unsigned *steps, size_t count) {
    bool enough = count < *steps;
    *steps = enough ? *steps - (unsigned)count : 0;
    return enough;
}

static struct part part_after(struct part part, size_t count) {
    return (struct part){part.text + count, part.len - count};
}

/* A bracket costs as many steps as it has bytes, everything else one. */
static bool name_matches(struct part pattern, struct part name, unsigned *steps) {
    struct part star = {0}, star_name = {0}; /* after the last star; the name after what it takes */
    while (name.len > 0) {
        size_t cost = pattern.len > 0 && *pattern.text == '[' ? pattern.len : 1, used;
        if (!steps_take(steps, cost))
            return false;
        if (pattern.len > 0 && *pattern.text == '*') {
            star = pattern = part_after(pattern, 1);
            star_name = name;
        } else if ((used = element_match(pattern, (unsigned char)*name.text)) > 0) {
            pattern = part_after(pattern, used);
            name = part_after(name, 1);
        } else if (star.text != NULL) {
            pattern = star;
            name = star_name = part_after(star_name, 1);
        } else {
            return false;
        }
    }
    while (pattern.len > 0 && *pattern.text == '*')
        pattern = part_after(pattern, 1);
    return pattern.len == 0;
}

static struct part first_name(const char *path) {
    return (struct part){path, strcspn(path, "/")};
}

/* The rest of a path after its first name, or NULL if there is none. */
static const char *next_name(const char *path, struct part name) {
    return path[name.len] == '/' ? path + name.len + 1 : NULL;
}

static bool is_two_stars(struct part name) {
    return name.len == 2 && memcmp(name.text, "**", 2) == 0;
}

/* Name by name; ** stands for any number of names, at the end of a pattern for at least one. */
static bool path_matches(const char *pattern, const char *path, unsigned *steps) {
    const char *stars = NULL, *stars_path = NULL; /* after the last **; the path after what it takes */
    while (steps_take(steps, 1)) {
        struct part wanted = first_name(pattern), name = first_name(path);
        const char *more = next_name(pattern, wanted), *rest = next_name(path, name);
        if (is_two_stars(wanted)) {
            if (more == NULL)
                return true;
            stars = pattern = more;
            stars_path = path;
            continue;
        }
        bool matches = name_matches(wanted, name, steps);
        if (matches && more == NULL && rest == NULL)
            return true;
        if (matches && more != NULL && rest != NULL) {
            pattern = more;
            path = rest;
        } else if (stars != NULL && (stars_path = next_name(stars_path, first_name(stars_path))) != NULL) {
            pattern = stars;
            path = stars_path;
        } else {
            return false;
        }
    }
    return false;
}

static bool rule_matches(const struct rule *rule, const char *path, const char *name, bool is_folder, unsigned *steps) {
    if (rule->folders_alone && !is_folder)
        return false;
    return rule->anchored ? path_matches(rule->pattern, path, steps)
                          : name_matches((struct part){rule->pattern, strlen(rule->pattern)},
                                         (struct part){name, strlen(name)}, steps);
}

enum gitignore_verdict gitignore_check(const struct gitignore *rules, const char *path, bool is_folder,
                                       unsigned *steps) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = rules->count; i-- > 0 && *steps > 0;)
        if (rule_matches(&rules->rules[i], path, name, is_folder, steps))
            return rules->rules[i].keeps ? GITIGNORE_KEPT : GITIGNORE_IGNORED;
    return GITIGNORE_SILENT;
}
