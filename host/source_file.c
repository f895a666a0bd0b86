/* The stat is taken before and after reading. They differ if another process writes to the file meanwhile. */
#include "host/source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* The number of readings of a file that changes without pause. */
#define READINGS_MAX 20

static bool is_same_stat(const struct stat *a, const struct stat *b) {
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ino == b->st_ino;
}

/* Reads to the end. Where a reading ends short of the room at just the expected size, that is the end: the caller looks
 * at the size once more. Returns 0 or a negative errno value; -EFBIG beyond `max` bytes. */
static int read_to_end(int fd, size_t expected, size_t max, struct buffer *data) {
    data->len = 0;
    if (expected > max)
        return -EFBIG;
    buffer_reserve(data, expected + 1);
    for (;;) {
        size_t room = data->cap - data->len;
        if (room < 2)
            room = data->cap;
        ssize_t len = read(fd, buffer_reserve(data, room), room);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len < 0 ? -errno : 0;
        data->len += (size_t)len;
        if (data->len > max)
            return -EFBIG;
        if ((size_t)len < room && data->len == expected)
            return 0;
    }
}

static int read_once(struct source_file *file, int dir_fd, const char *path, size_t max, bool *changed) {
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct stat after;
    int error = fstat(fd, &file->stat) < 0 ? -errno : 0;
    if (error == 0 && S_ISDIR(file->stat.st_mode))
        error = -EISDIR;
    if (error == 0)
        error = read_to_end(fd, S_ISREG(file->stat.st_mode) ? (size_t)file->stat.st_size : 0, max, &file->data);
    if (error == 0 && fstat(fd, &after) < 0)
        error = -errno;
    *changed = error == 0 && S_ISREG(after.st_mode) &&
               (!is_same_stat(&file->stat, &after) || (size_t)after.st_size != file->data.len);
    close(fd);
    return error;
}

int source_file_read(struct source_file *file, int dir_fd, const char *path, size_t max) {
    *file = (struct source_file){0};
    for (int i = 0; i < READINGS_MAX; i++) {
        bool changed = false;
        int error = read_once(file, dir_fd, path, max, &changed);
        if (error != 0 || !changed)
            return error;
    }
    return -EBUSY;
}

int source_file_stat(struct source_file *file, int dir_fd, const char *path) {
    *file = (struct source_file){0};
    return fstatat(dir_fd, path, &file->stat, 0) < 0 ? -errno : 0;
}

void source_file_deinit(struct source_file *file) {
    buffer_deinit(&file->data);
}
