/* See folder.h. */
#include "cache/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

/* A variable that holds an absolute path, as the XDG base directories must; else NULL. */
static const char *path_variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

static const char *home(void) {
    const char *value = path_variable("HOME");
    if (value != NULL)
        return value;
    const struct passwd *entry = getpwuid(getuid());
    return entry != NULL && entry->pw_dir != NULL && entry->pw_dir[0] == '/' ? entry->pw_dir : NULL;
}

char *cache_folder(const char *given) {
    const char *base;
    if (given != NULL)
        return xstrdup(given);
    if ((base = path_variable("PYCOMPILED_CACHE_DIR")) != NULL)
        return xstrdup(base);
    if ((base = path_variable("XDG_CACHE_HOME")) != NULL)
        return xasprintf("%s/pycompiled", base);
    base = home();
    return base != NULL ? xasprintf("%s/.cache/pycompiled", base) : NULL;
}

static int make_with_parents(const char *folder) {
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return -1;
    char *parent = xstrdup(folder);
    char *slash = strrchr(parent, '/');
    int status = -1;
    if (slash != NULL && slash != parent) {
        *slash = '\0';
        status = make_with_parents(parent);
    }
    free(parent);
    return status == 0 && (mkdir(folder, 0700) == 0 || errno == EEXIST) ? 0 : -1;
}

int cache_folder_open(const char *folder, char **why) {
    struct stat st;
    int fd = make_with_parents(folder) < 0 ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        *why = xasprintf("the cache's folder %s cannot be used: %s", folder, strerror(errno));
    } else if (st.st_uid != geteuid()) {
        *why = xasprintf("the cache's folder %s belongs to another user", folder);
    } else if ((st.st_mode & 022) != 0) {
        *why = xasprintf("the cache's folder %s may be written to by other users", folder);
    } else {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}
