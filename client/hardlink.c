/* See hardlink.h. Follows Lib/compileall.py: compile_file, and Lib/filecmp.py: cmp. */
#include "client/hardlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool same_bytes(FILE *a, FILE *b) {
    char x[8192], y[8192];
    for (;;) {
        size_t x_len = fread(x, 1, sizeof x, a), y_len = fread(y, 1, sizeof y, b);
        if (x_len != y_len || memcmp(x, y, x_len) != 0)
            return false;
        if (x_len == 0)
            return !ferror(a) && !ferror(b);
    }
}

/* Returns 1, 0, or -1 with errno. */
static int compare(const char *first, const char *path) {
    FILE *a = fopen(first, "re");
    FILE *b = a ? fopen(path, "re") : NULL;
    int error = errno;
    int same = b ? same_bytes(a, b) : -1;
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    errno = error;
    return same;
}

int hardlink_if_same(const char *first, const char *path) {
    int same = compare(first, path);
    if (same <= 0)
        return same < 0 ? errno : 0;
    return unlink(path) < 0 || link(first, path) < 0 ? errno : 0;
}
