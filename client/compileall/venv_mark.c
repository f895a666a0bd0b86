/* From stat(). The size of a folder says nothing. */
#include "client/compileall/venv_mark.h"

#include <stdlib.h>
#include <sys/stat.h>

struct venv_mark venv_mark_of(int dir_fd, const char *path) {
    struct stat st;
    if (fstatat(dir_fd, path, &st, 0) < 0)
        return (struct venv_mark){0};
    return (struct venv_mark){st.st_ino, S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
                              (uint64_t)st.st_mtim.tv_nsec};
}

bool venv_mark_equal(const struct venv_mark *a, const struct venv_mark *b) {
    return a->inode == b->inode && a->size == b->size && a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

void venv_mark_append(const struct venv_mark *mark, struct buffer *out) {
    buffer_printf(out, "%llu %llu %llu %llu ", (unsigned long long)mark->inode, (unsigned long long)mark->size,
                  (unsigned long long)mark->seconds, (unsigned long long)mark->nanoseconds);
}

bool venv_mark_read(const char **at, struct venv_mark *mark) {
    uint64_t *const numbers[] = {&mark->inode, &mark->size, &mark->seconds, &mark->nanoseconds};
    for (int i = 0; i < 4; i++) {
        char *end;
        *numbers[i] = strtoull(*at, &end, 10);
        if (end == *at || *end != ' ')
            return false;
        *at = end + 1;
    }
    return true;
}
