/* The temporary file is made beside the .pyc, so that renaming it is atomic. */
#include "host/pyc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buffer.h"

/* Held for reading while a temporary file exists, and for writing by the thread that ends the process. */
static pthread_rwlock_t writing = PTHREAD_RWLOCK_INITIALIZER;

void pyc_file_finish_writing(void) {
    pthread_rwlock_wrlock(&writing);
}

void pyc_failure_deinit(struct pyc_failure *failure) {
    free(failure->path);
    free(failure->target);
    *failure = (struct pyc_failure){0};
}

enum pyc_place pyc_file_place(int dir_fd, const char *path) {
    struct stat st;
    if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return PYC_PLACE_FREE;
    if (S_ISLNK(st.st_mode))
        return PYC_PLACE_SYMLINK;
    return S_ISREG(st.st_mode) ? PYC_PLACE_FREE : PYC_PLACE_NOT_REGULAR;
}

static int set_failure(struct pyc_failure *failure, int error, const char *path, const char *target) {
    failure->error = error;
    failure->path = xstrdup(path);
    failure->target = target ? xstrdup(target) : NULL;
    return -error;
}

/* os.path.dirname(), where there is a slash. NULL where there is none. */
static char *pyc_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    while (slash > path && slash[-1] == '/')
        slash--;
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* os.makedirs(folder), step by step, since the error names the folder that could not be made. A folder that exists is
 * no failure. */
static int make_folders(int dir_fd, const char *folder, mode_t mask, struct pyc_failure *failure) {
    char *parent = pyc_folder(folder);
    struct stat st;
    bool missing = parent != NULL && fstatat(dir_fd, parent, &st, 0) < 0;
    int result = missing ? make_folders(dir_fd, parent, mask, failure) : 0;
    bool made = missing && strcmp(strrchr(folder, '/'), "/.") == 0;
    free(parent);
    if (result == 0 && !made && mkdirat(dir_fd, folder, 0777 & ~mask) < 0 && errno != EEXIST)
        result = set_failure(failure, errno, folder, NULL);
    return result;
}

static int open_temporary(int dir_fd, const char *path, mode_t mode) {
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(dir_fd, path, flags, mode);
    if (fd < 0 && errno == EEXIST && unlinkat(dir_fd, path, 0) == 0)
        fd = openat(dir_fd, path, flags, mode);
    return fd;
}

/* Writes header and code. Returns 0 or a negative errno value. */
static int write_parts(int fd, const void *header, const void *code, size_t code_len) {
    struct iovec parts[2] = {{(void *)(uintptr_t)header, PYC_HEADER_SIZE}, {(void *)(uintptr_t)code, code_len}};
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t len = writev(fd, parts, 2);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len < 0 ? -errno : -EIO;
        for (int i = 0; i < 2; i++) {
            size_t part = (size_t)len < parts[i].iov_len ? (size_t)len : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            len -= (ssize_t)part;
        }
    }
    return 0;
}

/* Closes the descriptor of the temporary file, and leaves no such file behind. */
static int write_and_rename(int fd, int dir_fd, const char *path, const char *temporary, const unsigned char *header,
                            const void *code, size_t code_len, struct pyc_failure *failure) {
    int error = -write_parts(fd, header, code, code_len);
    if (close(fd) < 0 && error == 0)
        error = errno;
    if (error == 0 && renameat(dir_fd, temporary, dir_fd, path) == 0)
        return 0;
    bool renaming = error == 0;
    error = renaming ? errno : error;
    unlinkat(dir_fd, temporary, 0);
    return set_failure(failure, error, temporary, renaming ? path : NULL);
}

int pyc_file_make_folder(int dir_fd, const char *path, mode_t mask, struct pyc_failure *failure) {
    char *folder = pyc_folder(path);
    int result = folder != NULL ? make_folders(dir_fd, folder, mask, failure) : 0;
    free(folder);
    return result;
}

static char *temporary_name(const char *path, const char *unique) {
    return xasprintf("%s.%s.tmp", path, unique);
}

void pyc_file_discard(int dir_fd, const char *path, const char *unique) {
    char *temporary = temporary_name(path, unique);
    if (unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT && errno != ENOTDIR)
        fprintf(stderr, "pycompile-host: cannot remove %s: %s\n", temporary, strerror(errno));
    free(temporary);
}

int pyc_file_write(int dir_fd, const char *path, const struct pyc_header *header, const void *code, size_t code_len,
                   mode_t mode, mode_t mask, const char *unique, struct pyc_failure *failure) {
    unsigned char bytes[PYC_HEADER_SIZE];
    pyc_header_encode(header, bytes);
    char *temporary = temporary_name(path, unique);
    pthread_rwlock_rdlock(&writing);
    mode &= 0666 & ~mask;
    int result = 0, fd = open_temporary(dir_fd, temporary, mode);
    if (fd < 0) {
        /* py_compile makes the folder first in any case: an error of that step comes first. */
        result = pyc_file_make_folder(dir_fd, path, mask, failure);
        fd = result == 0 ? open_temporary(dir_fd, temporary, mode) : -1;
        if (result == 0 && fd < 0)
            result = set_failure(failure, errno, temporary, NULL);
    }
    if (fd >= 0)
        result = write_and_rename(fd, dir_fd, path, temporary, bytes, code, code_len, failure);
    pthread_rwlock_unlock(&writing);
    free(temporary);
    return result;
}
