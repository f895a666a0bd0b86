/* Follows Lib/compileall.py of CPython 3.13: compile_file. */
#include "client/compileall/code_name.h"

#include <stdlib.h>
#include <string.h>

#include "client/compileall/python_text.h"

/* The rest of the path behind the components of `strip`, or NULL if the path does not begin with them. Any number of
 * slashes separates components. */
static const char *behind(const char *path, const char *strip) {
    size_t len = strlen(strip);
    if (strncmp(path, strip, len) != 0)
        return NULL;
    if (path[len] == '/')
        return path + len + 1;
    return path[len] == '\0' ? path + len : NULL;
}

/* os.path.join() of the components. None of them holds a slash, so empty ones at the front vanish, and several
 * slashes become one. */
static char *join_components(const char *path) {
    char *joined = xstrdup(""), *copy = xstrdup(path), *rest = copy;
    for (char *part; (part = strsep(&rest, "/")) != NULL;) {
        char *longer = python_text_join(joined, part);
        free(joined);
        joined = longer;
    }
    free(copy);
    return joined;
}

char *code_name(const struct code_name *how, const char *path, bool *stripped) {
    char *name = NULL;
    *stripped = true;
    if (how->strip != NULL) {
        const char *rest = behind(path, how->strip);
        *stripped = rest != NULL;
        name = rest ? join_components(rest) : NULL;
    }
    if (how->prepend != NULL) {
        char *whole = python_text_join(how->prepend, name ? name : path);
        free(name);
        name = whole;
    }
    return name;
}
