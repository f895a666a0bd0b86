/* Universal newlines, as in Python's text files, or NULs. */
#include "client/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE 65536

void names_init_list(struct names *names, char *const *list, size_t count) {
    *names = (struct names){.list = list, .count = count, .fd = -1};
}

void names_init_fd(struct names *names, int fd) {
    *names = (struct names){.fd = fd};
}

void names_init_nul(struct names *names, int fd) {
    *names = (struct names){.fd = fd, .nul = true};
}

int names_open(const char *path) {
    struct stat st;
    if (strcmp(path, "-") == 0)
        return STDIN_FILENO;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
        return fd;
    close(fd);
    return -EISDIR;
}

void names_deinit(struct names *names) {
    buffer_deinit(&names->in);
}

/* The end of the name that begins at `line`, or NULL. */
static char *find_end(const struct names *names, char *line, size_t left) {
    if (names->nul)
        return memchr(line, '\0', left);
    char *newline = memchr(line, '\n', left);
    char *cr = memchr(line, '\r', newline ? (size_t)(newline - line) : left);
    return cr ? cr : newline;
}

static void skip_second_byte_of_end(struct names *names) {
    if (!names->after_cr || names->start == names->in.len)
        return;
    names->start += names->in.data[names->start] == '\n';
    names->after_cr = false;
}

static enum names_status next_line(struct names *names, const char **name, bool *truncated) {
    skip_second_byte_of_end(names);
    size_t left = names->in.len - names->start;
    if (left == 0)
        return names->eof ? NAMES_END : NAMES_WAIT;
    char *line = names->in.data + names->start;
    char *end = find_end(names, line, left);
    if (end == NULL && !names->eof)
        return NAMES_WAIT;
    size_t len = left;
    if (end != NULL) {
        names->after_cr = *end == '\r';
        *end = '\0';
        len = (size_t)(end - line);
    } else {
        /* The last line has no end; a NUL is appended. */
        line = buffer_string(&names->in) + names->start;
    }
    names->start += end ? len + 1 : len;
    skip_second_byte_of_end(names);
    names->next++;
    *truncated = memchr(line, '\0', len) != NULL;
    *name = line;
    return NAMES_READY;
}

enum names_status names_next(struct names *names, const char **name, bool *truncated) {
    *truncated = false;
    if (names->list == NULL)
        return next_line(names, name, truncated);
    if (names->next == names->count)
        return NAMES_END;
    *name = names->list[names->next++];
    return NAMES_READY;
}

int names_fill(struct names *names) {
    buffer_consume(&names->in, names->start);
    names->start = 0;
    char *room = buffer_reserve(&names->in, READ_SIZE);
    ssize_t len = read(names->fd, room, READ_SIZE);
    if (len > 0)
        names->in.len += (size_t)len;
    else if (len == 0)
        names->eof = true;
    else if (errno != EINTR && errno != EAGAIN)
        return -errno;
    return 0;
}

size_t names_total(const struct names *names) {
    if (names->list != NULL)
        return names->count;
    return names->eof && names->start == names->in.len ? names->next : 0;
}
