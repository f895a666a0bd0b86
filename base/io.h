/* Whole reads and writes, and running a program for its output. Interrupted calls are repeated, and every descriptor is
 * closed on exec.
 *
 * Not for an event loop: everything here may block, except on files of /proc and of memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Writes all bytes; waits if the descriptor is non-blocking. Returns 0 or a negative errno value. */
int io_write_all(int fd, const void *data, size_t len);

/* Sends all bytes to a blocking socket; a closed peer is an error, not a signal. Returns 0 or a negative errno value.
 */
int io_send_all(int fd, const void *data, size_t len);

/* Appends the bytes up to the end of file. Returns 0, or a negative errno value: -EFBIG if there are more than `limit`
 * bytes. `out` then holds the bytes that were read before. */
int io_read_all(int fd, size_t limit, struct buffer *out);

/* Appends the contents of a file, of `limit` bytes at most. `flags` are added to open()'s: O_NOFOLLOW, O_NONBLOCK.
 * Returns as io_read_all(). */
int io_read_file(int dir_fd, const char *path, int flags, size_t limit, struct buffer *out);

/* Reads the beginning of a file into a text that ends with a NUL: `size` - 1 bytes at most. Returns how many bytes were
 * read, or a negative errno value and an empty text. */
int io_read_text(int dir_fd, const char *path, int flags, char *text, size_t size);

/* Makes a file of the bytes (mode 0600), or puts it in the place of one, whole or not at all: others may read it
 * meanwhile. Its bytes stand in PATH.PID.tmp before. Returns 0 or a negative errno value. */
int io_replace_file(int dir_fd, const char *path, const void *data, size_t len);

/* A program to be run. Its standard input is /dev/null. */
struct io_program {
    const char *path;
    const char *const *argv; /* ended by NULL */
    bool search;             /* look for `path` in $PATH, as a shell does */
    int read_fd;             /* the output that is read: STDOUT_FILENO or STDERR_FILENO */
    size_t limit;            /* bytes of output that are kept; the rest is read and dropped */
    int64_t deadline;        /* of clock_ms(); then it is killed */
    int wake_fd;             /* the program is also killed when this becomes readable; -1: none */
    bool apart; /* a process group of its own: no signal of the terminal reaches it, and the whole group is killed */
};

/* Runs the program with the signals of a fresh process, and waits until it ends; its own children may live on. If
 * standard error is read, standard output is /dev/null; else standard error is the caller's. Appends the output.
 * Returns the wait status, or a negative errno value: -ETIMEDOUT or -EINTR if the deadline or wake_fd has ended the
 * program, else the reason why it could not be run. If the caller ignores SIGCHLD, its default action is restored. */
int io_run(const struct io_program *program, struct buffer *said);
