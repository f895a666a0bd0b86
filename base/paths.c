/* Environment, /proc/self/exe (or the path of execve(2)) and stat() behind the paths. */
#include "base/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

char *paths_socket(void) {
    const char *given = getenv("PYCOMPILED_SOCKET");
    if (given != NULL && *given != '\0')
        return xstrdup(given);
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat st;
    if (runtime != NULL && *runtime == '/' && stat(runtime, &st) == 0 && S_ISDIR(st.st_mode))
        return xasprintf("%s/pycompiled/socket", runtime);
    return xasprintf("/tmp/pycompiled-%lu/socket", (unsigned long)geteuid());
}

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static char *beside(const char *socket_path, const char *name) {
    const char *slash = strrchr(socket_path, '/');
    const char *base = slash ? slash + 1 : socket_path;
    if (strcmp(base, "socket") != 0)
        return xasprintf("%s.%s", socket_path, name);
    return xasprintf("%.*s%s", (int)(base - socket_path), socket_path, name);
}

char *paths_sibling(const char *socket_path, const char *suffix) {
    return xasprintf("%s.%s", socket_path, suffix);
}

char *paths_log(const char *socket_path) {
    return beside(socket_path, "log");
}

char *paths_lock(const char *socket_path) {
    return beside(socket_path, "lock");
}

int paths_check_folder(const char *socket_path, char **why) {
    char *folder = folder_of(socket_path);
    struct stat st;
    int result = 0;
    *why = NULL;
    if (lstat(folder, &st) < 0) {
        result = -errno;
        *why = xasprintf("%s: %s", folder, strerror(errno));
    } else if (!S_ISDIR(st.st_mode)) {
        result = -ENOTDIR;
        *why = xasprintf("%s is not a folder", folder);
    } else if (st.st_uid != geteuid() && st.st_uid != 0) {
        result = -EPERM;
        *why = xasprintf("%s belongs to another user (uid %lu)", folder, (unsigned long)st.st_uid);
    } else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        result = -EPERM;
        *why = xasprintf("%s may be written to by other users", folder);
    }
    free(folder);
    return result;
}

/* The path that this program was run by, without links, as paths_note_program() has found it; or NULL. */
static char *noted_program;

/* The path that this program was run by, without links. For where /proc is not mounted. NULL if unknown; the caller
 * frees. */
static char *executed_path(void) {
    const char *path = (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr): as documented */
    if (noted_program != NULL)
        return xstrdup(noted_program);
    return path != NULL ? realpath(path, NULL) : NULL;
}

void paths_note_program(void) {
    noted_program = executed_path();
}

/* The folder of the running program, whatever name it was started by. NULL if unknown. */
static char *own_folder(void) {
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len > 0) {
        path[len] = '\0';
        return folder_of(path);
    }
    char *executed = executed_path(), *folder = executed ? folder_of(executed) : NULL;
    free(executed);
    return folder;
}

char *paths_program(const char *name, bool libexec) {
    static const char *const places[] = {".", "../daemon", "../client", "../libexec/pycompiled"};
    char *own = own_folder();
    char *found = NULL;
    size_t count = sizeof places / sizeof *places - (libexec ? 0 : 1);
    for (size_t i = 0; own != NULL && found == NULL && i < count; i++) {
        char *path = xasprintf("%s/%s/%s", own, places[i], name);
        if (access(path, X_OK) == 0)
            found = path;
        else
            free(path);
    }
    free(own);
    return found;
}

void paths_host_folders(struct buffer *folders) {
    static const char *const places[] = {".", "../libexec/pycompiled", "../host"};
    char *own = own_folder();
    for (size_t i = 0; own != NULL && i < sizeof places / sizeof *places; i++) {
        buffer_printf(folders, "%s/%s", own, places[i]);
        buffer_append_char(folders, '\0');
    }
    free(own);
}

bool paths_has_proc(void) {
    struct stat st;
    return lstat("/proc/self", &st) == 0;
}
