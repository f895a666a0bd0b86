/* A request cannot carry a NUL in a source, which is an error in all versions of Python. Such bytes go into a file
 * in memory, which the daemon reads itself. So do the bytes of a long source: as JSON text each can take six. */
#include "client/compile/held_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/paths.h"

/* A longer source is refused: this process holds it. */
#define BYTES_MAX ((size_t)60 << 20)

/* A longer one is not sent. With six bytes for each it would still be within the limit of a message. */
#define SENT_MAX ((size_t)8 << 20)
#define FEED_MS 10

static bool held_source_begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether the name is one of this process's descriptors, in a folder of such. */
static bool held_source_is_own(const char *file) {
    return held_source_begins(file, "/dev/fd/") || held_source_begins(file, "/proc/self/") ||
           held_source_begins(file, "/proc/thread-self/");
}

bool held_source_is(const char *file) {
    struct stat st;
    if (stat(file, &st) < 0 || S_ISDIR(st.st_mode))
        return false;
    return !S_ISREG(st.st_mode) || strcmp(file, "/dev/stdin") == 0 || held_source_is_own(file);
}

/* The compiler opens the file of that name to show a line of it. On a named pipe it would wait for a writer for
 * ever, so a thread opens the pipe for writing and writes nothing. */
static void *held_source_feeder(void *context) {
    struct held_source *source = context;
    while (!source->done) {
        int fd = open(source->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            close(fd);
        clock_sleep_ms(FEED_MS);
    }
    return NULL;
}

static void held_source_feed(struct held_source *source, const char *file) {
    struct stat st;
    if (lstat(file, &st) < 0 || !S_ISFIFO(st.st_mode))
        return;
    source->fifo = xstrdup(file);
    if (pthread_create(&source->feeder, NULL, held_source_feeder, source) == 0)
        return;
    free(source->fifo);
    source->fifo = NULL;
}

/* Makes a file in memory with the bytes. Returns a descriptor or a negative errno value. */
static int held_source_to_memory(const struct held_source *source) {
    int fd = memfd_create("source", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = io_write_all(fd, source->bytes.data, source->bytes.len);
    if (result < 0)
        close(fd);
    return result < 0 ? result : fd;
}

/* Replaces the descriptor by a file in memory. */
static int held_source_replace(struct held_source *source) {
    int fd = held_source_to_memory(source);
    if (fd < 0)
        return fd;
    close(source->fd);
    source->fd = fd;
    source->is_copy = true;
    return 0;
}

/* Puts the bytes into a file in memory beside the descriptor. Without /proc the daemon could not open it. */
static int held_source_put_aside(struct held_source *source) {
    if (!paths_has_proc())
        return 0;
    source->copy_fd = held_source_to_memory(source);
    if (source->copy_fd < 0)
        return source->copy_fd;
    source->copy_path = xasprintf("/proc/%ld/fd/%d", (long)getpid(), source->copy_fd);
    return 0;
}

/* The descriptor as the daemon finds it. Without /proc the daemon can only look at the file of that name. */
static char *held_source_path(int fd, const char *file) {
    char *real = paths_has_proc() ? NULL : realpath(file, NULL);
    return real ? real : xasprintf("/proc/%ld/fd/%d", (long)getpid(), fd);
}

int held_source_read(struct held_source *source, const char *file) {
    source->is_own = held_source_is_own(file);
    source->copy_fd = -1;
    source->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return -errno;
    int result = io_read_all(source->fd, BYTES_MAX, &source->bytes);
    if (result == 0 && (source->bytes.len > 0 && memchr(source->bytes.data, '\0', source->bytes.len) != NULL))
        result = held_source_replace(source);
    else if (result == 0 && source->bytes.len > SENT_MAX)
        result = held_source_put_aside(source);
    buffer_string(&source->bytes);
    held_source_feed(source, file);
    source->path = held_source_path(source->fd, file);
    return result;
}

void held_source_deinit(struct held_source *source) {
    if (source->fifo != NULL) {
        source->done = true;
        pthread_join(source->feeder, NULL);
        free(source->fifo);
    }
    if (source->fd >= 0)
        close(source->fd);
    if (source->copy_fd >= 0)
        close(source->copy_fd);
    free(source->path);
    free(source->copy_path);
    buffer_deinit(&source->bytes);
    source->fd = source->copy_fd = -1;
    source->path = source->copy_path = source->fifo = NULL;
}
