/* Parsing of versions, and version specifiers. */
#include "base/python_version.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* Moves *text behind the word if the text begins with it. */
static bool version_skip(const char **text, const char *word) {
    size_t len = strlen(word);
    if (strncmp(*text, word, len) != 0)
        return false;
    *text += len;
    return true;
}

static bool read_number(const char **text, unsigned *number) {
    const char *begin = *text;
    *number = 0;
    for (; isdigit((unsigned char)**text) && *text - begin < 6; ++*text)
        *number = *number * 10 + (unsigned)(**text - '0');
    return *text > begin && !isdigit((unsigned char)**text);
}

bool python_version_parse(const char *text, struct python_version *version) {
    struct python_version read;
    if (version_skip(&text, "cpython") || version_skip(&text, "python"))
        (void)(version_skip(&text, "-") || version_skip(&text, "@"));
    bool is_version = read_number(&text, &read.major) && read.major > 0 && version_skip(&text, ".") &&
                      read_number(&text, &read.minor) &&
                      (*text == '\0' || *text == '.' || *text == '-' || *text == '+' || isalpha((unsigned char)*text));
    if (is_version)
        *version = read;
    return is_version;
}

char *python_version_release(const char *text) {
    struct python_version version;
    unsigned patch;
    if (!python_version_parse(text, &version))
        return NULL;
    const char *begin = text + strcspn(text, "0123456789"), *end = begin;
    bool has_patch = read_number(&end, &version.major) && version_skip(&end, ".") &&
                     read_number(&end, &version.minor) && version_skip(&end, ".") && read_number(&end, &patch);
    return has_patch ? xstrndup(begin, (size_t)(end - begin)) : NULL;
}

/* Whether the text ends here or goes on with something else than a word. */
static bool ends_word(const char *text) {
    return !isalnum((unsigned char)*text) && *text != '_';
}

bool python_version_is_free_threaded(const char *text) {
    const char *tag = strstr(text, "_cp3");
    if (strstr(text, "freethreaded") != NULL)
        return true;
    if (tag != NULL) {
        tag += strlen("_cp3");
        tag += strspn(tag, "0123456789");
        return *tag == 't' && ends_word(tag + 1);
    }
    struct python_version version;
    if (!python_version_parse(text, &version))
        return false;
    text += strcspn(text, "0123456789");
    text += strspn(text, "0123456789.");
    return *text == 't' && ends_word(text + 1);
}

bool python_version_exact(const char *text, struct python_version *version) {
    return read_number(&text, &version->major) && version_skip(&text, ".") && read_number(&text, &version->minor) &&
           *text == '\0';
}

int python_version_compare(const struct python_version *a, const struct python_version *b) {
    if (a->major != b->major)
        return a->major < b->major ? -1 : 1;
    return a->minor < b->minor ? -1 : a->minor > b->minor;
}

bool python_version_is_at_least(const char *text, unsigned major, unsigned minor) {
    struct python_version version;
    return python_version_parse(text, &version) &&
           python_version_compare(&version, &(struct python_version){major, minor}) >= 0;
}

/* The numbers of a release: 3.9.2 has three. A suffix (rc1, .post1) does not change X.Y. */
struct release {
    unsigned numbers[3];
    unsigned count;
    bool any; /* ends with .* */
};

static bool read_release(const char *text, struct release *release) {
    *release = (struct release){0};
    version_skip(&text, "v");
    do {
        unsigned number;
        if (release->count > 0 && version_skip(&text, "*")) {
            release->any = true;
            return *text == '\0';
        }
        if (!read_number(&text, &number))
            return release->count > 0 && isalpha((unsigned char)*text);
        if (release->count < 3)
            release->numbers[release->count++] = number;
    } while (version_skip(&text, "."));
    return *text == '\0' || isalpha((unsigned char)*text) || *text == '+';
}

/* Less than, equal to or more than 0, by X and, if the release names it, by Y. */
static int compare_release(const struct python_version *version, const struct release *release) {
    struct python_version other = {release->numbers[0], release->count > 1 ? release->numbers[1] : 0};
    return python_version_compare(version, &other);
}

static bool has_prefix(const struct python_version *version, const struct release *release) {
    return version->major == release->numbers[0] && (release->count < 2 || version->minor == release->numbers[1]);
}

/* A last number of zero may be left out: 3.9 is 3.9.0. So X.Y.Z may be below or above the release for another Z, unless
 * the release is the first of X.Y. */
static bool allows(const char *operation, const struct release *release, const struct python_version *version) {
    int order = compare_release(version, release);
    bool is_first = release->count < 3 || release->numbers[2] == 0;
    if (strcmp(operation, ">=") == 0 || strcmp(operation, ">") == 0)
        return order >= 0;
    if (strcmp(operation, "<=") == 0)
        return order <= 0;
    if (strcmp(operation, "<") == 0)
        return order < 0 || (order == 0 && !is_first);
    if (strcmp(operation, "~=") == 0)
        return release->count >= 2 && order >= 0 &&
               (release->count == 2 ? version->major == release->numbers[0] : order == 0);
    if (strcmp(operation, "!=") == 0)
        return !(release->any && has_prefix(version, release));
    if (strcmp(operation, "===") == 0) /* compares the text of a whole release */
        return release->count == 3 && order == 0;
    return release->any ? has_prefix(version, release) : order == 0;
}

static bool clause_allows(const char *clause, const struct python_version *version) {
    static const char *const operations[] = {"===", "==", "~=", "!=", "<=", ">=", "<", ">"};
    struct release release;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (!version_skip(&clause, operations[i]))
            continue;
        while (isspace((unsigned char)*clause))
            clause++;
        return read_release(clause, &release) && allows(operations[i], &release, version);
    }
    return false;
}

/* Removes spaces at both ends, in place. */
static char *version_trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}

bool python_version_allowed(const struct python_version *version, const char *specifier) {
    char *copy = xstrdup(specifier), *rest = copy;
    bool allowed = true;
    for (char *clause; allowed && (clause = strsep(&rest, ",")) != NULL;) {
        clause = version_trim(clause);
        allowed = *clause == '\0' || clause_allows(clause, version);
    }
    free(copy);
    return allowed;
}
