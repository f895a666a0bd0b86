/* The search follows the XDG base directory specification. */
#include "cache/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

/* The value of a variable that holds an absolute path, as the specification demands; else NULL. */
static const char *path_variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

static const char *home_folder(void) {
    const char *value = path_variable("HOME");
    if (value != NULL)
        return value;
    const struct passwd *entry = getpwuid(getuid());
    return entry != NULL && entry->pw_dir != NULL && entry->pw_dir[0] == '/' ? entry->pw_dir : NULL;
}

char *folder_locate(const char *given) {
    const char *base;
    if (given != NULL)
        return xstrdup(given);
    if ((base = path_variable("PYCOMPILED_CACHE_DIR")) != NULL)
        return xstrdup(base);
    if ((base = path_variable("XDG_CACHE_HOME")) != NULL)
        return xasprintf("%s/pycompiled", base);
    base = home_folder();
    return base != NULL ? xasprintf("%s/.cache/pycompiled", base) : NULL;
}

static int make_with_parents(const char *folder) {
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return -errno;
    char *parent = xstrdup(folder);
    char *slash = strrchr(parent, '/');
    int status = -ENOENT;
    if (slash != NULL && slash != parent) {
        *slash = '\0';
        status = make_with_parents(parent);
    }
    free(parent);
    if (status == 0 && mkdir(folder, 0700) < 0 && errno != EEXIST)
        status = -errno;
    return status;
}

/* NULL: only this user can put anything into the folder. Else the reason, which the caller frees. */
static char *folder_refuse(const char *folder, const struct stat *st) {
    if (st->st_uid != geteuid())
        return xasprintf("the cache's folder %s belongs to another user", folder);
    if ((st->st_mode & 022) != 0)
        return xasprintf("the cache's folder %s may be written to by other users", folder);
    return NULL;
}

int folder_open(const char *folder, char **why) {
    struct stat st;
    int status = make_with_parents(folder);
    int fd = status < 0 ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (status == 0 && (fd < 0 || fstat(fd, &st) < 0))
        status = -errno;
    *why = status < 0 ? xasprintf("the cache's folder %s cannot be used: %s", folder, strerror(-status))
                      : folder_refuse(folder, &st);
    if (*why == NULL)
        return fd;
    if (fd >= 0)
        close(fd);
    return status < 0 ? status : -EPERM;
}

int folder_remove_stamps(int fd, bool (*is_stale)(int fd, const char *name, void *context), void *context) {
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), status = 0;
    if (own < 0)
        return -errno;
    DIR *dir = fdopendir(own);
    struct dirent *entry;
    if (dir == NULL) {
        status = -errno;
        close(own);
        return status;
    }
    while ((entry = readdir(dir)) != NULL) {
        bool is_stamp = strncmp(entry->d_name, FOLDER_STAMP, strlen(FOLDER_STAMP)) == 0;
        if (is_stamp && (is_stale == NULL || is_stale(fd, entry->d_name, context)) &&
            unlinkat(fd, entry->d_name, 0) < 0 && errno != ENOENT)
            status = -errno;
    }
    closedir(dir);
    return status;
}
