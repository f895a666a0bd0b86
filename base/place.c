/* stat() and the text form of an identity. */
#include "base/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

/* The folder part of a path, as dirname(3) has it. The caller frees. */
static char *place_folder(const char *file) {
    const char *slash = strrchr(file, '/');
    if (slash == NULL)
        return xstrdup(".");
    return xstrndup(file, slash == file ? 1 : (size_t)(slash - file));
}

char *place_make(int dir_fd, const char *file, bool itself) {
    struct stat st;
    char *folder = itself ? xstrdup(file) : place_folder(file), *place = NULL;
    if (fstatat(dir_fd, folder, &st, 0) == 0 && S_ISDIR(st.st_mode))
        place = xasprintf("%llu:%llu:%s", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino, folder);
    free(folder);
    return place;
}

/* Reads the numbers. Returns the path behind them, or NULL where the text is no identity. */
static const char *place_parse(const char *place, unsigned long long *device, unsigned long long *inode) {
    int len = 0;
    return sscanf(place, "%20llu:%20llu:%n", device, inode, &len) == 2 && len > 0 ? place + len : NULL;
}

bool place_is_here(int dir_fd, const char *place) {
    struct stat st;
    unsigned long long device, inode;
    const char *path = place_parse(place, &device, &inode);
    if (path == NULL)
        return false;
    if (fstatat(dir_fd, path, &st, 0) < 0)
        return errno != ENOENT && errno != ENOTDIR;
    return st.st_dev == device && st.st_ino == inode;
}

char *place_namespace(void) {
    char link[64];
    unsigned long long number = 0;
    struct stat st = {0};
    ssize_t len = readlink("/proc/self/ns/mnt", link, sizeof link - 1);
    link[len > 0 ? len : 0] = '\0';
    if (sscanf(link, "mnt:[%20llu]", &number) != 1)
        number = 0;
    (void)stat("/", &st); /* each process may look at its root */
    return xasprintf("%llu:%llu:%llu", number, (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

const char *place_path(const char *place) {
    unsigned long long device, inode;
    const char *path = place_parse(place, &device, &inode);
    return path ? path : place;
}
