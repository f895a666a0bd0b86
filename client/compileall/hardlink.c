/* Follows Lib/compileall.py: compile_file, and Lib/filecmp.py: cmp. */
#include "client/compileall/hardlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

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

/* Compares the bytes of both files. Returns 1 if they are equal, 0 if not, or a negative errno value. */
static int hardlink_compare(const char *first, const char *path) {
    FILE *a = fopen(first, "re");
    FILE *b = a ? fopen(path, "re") : NULL;
    int error = errno;
    int same = b ? same_bytes(a, b) : -error;
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    return same;
}

/* Two levels may share one .pyc (-b, or -o 0 beside the default); compileall would remove it. */
static bool are_one(const char *first, const char *path) {
    struct stat a, b;
    return stat(first, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The link first gets another name, so that no .pyc is lost on a file system without links. */
static int replace_by_link(const char *first, const char *path) {
    char *temporary = xasprintf("%s.%ld.tmp", path, (long)getpid());
    int error = link(first, temporary) < 0 ? -errno : 0;
    if (error == 0 && rename(temporary, path) < 0) {
        error = -errno;
        unlink(temporary);
    }
    free(temporary);
    return error;
}

int hardlink_if_same(const char *first, const char *path) {
    if (are_one(first, path))
        return 0;
    int same = hardlink_compare(first, path);
    return same > 0 ? replace_by_link(first, path) : same;
}
