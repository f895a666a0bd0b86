/* Reads, writes and io_run(), which waits for the child with a pidfd, or by polling if the kernel has none. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define READ_SIZE 4096
/* The interval of polling a child without a pidfd. */
#define LOOK_MS 5

int io_write_all(int fd, const void *data, size_t len) {
    const char *at = data;
    while (len > 0) {
        ssize_t written = write(fd, at, len);
        if (written >= 0) {
            at += written;
            len -= (size_t)written;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){fd, POLLOUT, 0}, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int io_send_all(int fd, const void *data, size_t len) {
    const char *at = data;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return -errno;
        at += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

/* read(), repeated when a signal interrupts it. */
static ssize_t io_read(int fd, char *data, size_t len) {
    ssize_t result;
    while ((result = read(fd, data, len)) < 0 && errno == EINTR)
        ;
    return result < 0 ? -errno : result;
}

int io_read_all(int fd, size_t limit, struct buffer *out) {
    for (size_t total = 0;;) {
        ssize_t len = io_read(fd, buffer_reserve(out, READ_SIZE), READ_SIZE);
        if (len <= 0)
            return (int)len;
        if ((size_t)len > limit - total) {
            out->len += limit - total;
            return -EFBIG;
        }
        out->len += (size_t)len;
        total += (size_t)len;
    }
}

static int io_open(int dir_fd, const char *path, int flags) {
    int fd;
    while ((fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | flags)) < 0 && errno == EINTR)
        ;
    return fd < 0 ? -errno : fd;
}

int io_read_file(int dir_fd, const char *path, int flags, size_t limit, struct buffer *out) {
    int fd = io_open(dir_fd, path, flags);
    if (fd < 0)
        return fd;
    int result = io_read_all(fd, limit, out);
    close(fd);
    return result;
}

int io_read_text(int dir_fd, const char *path, int flags, char *text, size_t size) {
    int fd = io_open(dir_fd, path, flags);
    size_t total = 0;
    ssize_t len = fd;
    if (fd >= 0) {
        while ((len = io_read(fd, text + total, size - 1 - total)) > 0)
            total += (size_t)len;
        close(fd);
    }
    text[len < 0 ? 0 : total] = '\0';
    return len < 0 ? (int)len : (int)total;
}

int io_replace_file(int dir_fd, const char *path, const void *data, size_t len) {
    char *temporary = xasprintf("%s.%ld.tmp", path, (long)getpid());
    int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    int result = fd < 0 ? -errno : io_write_all(fd, data, len);
    if (fd >= 0)
        close(fd);
    if (result == 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
        result = -errno;
    if (result < 0)
        (void)unlinkat(dir_fd, temporary, 0); /* the error is that of the write */
    free(temporary);
    return result;
}

static void io_set_files(posix_spawn_file_actions_t *files, const struct io_program *program, int said_fd) {
    posix_spawn_file_actions_init(files);
    posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (program->read_fd == STDERR_FILENO)
        posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(files, said_fd, program->read_fd);
}

/* The child gets the signal dispositions that a shell gives, whatever this process ignores. */
static void io_set_attributes(posix_spawnattr_t *attributes, bool apart) {
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGCHLD);
    sigaddset(&defaults, SIGINT);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(
        attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (apart ? POSIX_SPAWN_SETPGROUP : 0)));
}

/* Returns 0 or a negative errno value. */
static int io_spawn(const struct io_program *program, int said_fd, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char *const *argv = (char *const *)(uintptr_t)program->argv;
    io_set_files(&files, program, said_fd);
    io_set_attributes(&attributes, program->apart);
    int error = program->search ? posix_spawnp(pid, program->path, &files, &attributes, argv, environ)
                                : posix_spawn(pid, program->path, &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return -error;
}

/* Without this an ignored SIGCHLD makes the kernel reap the child, and its status is lost. */
static void io_want_children(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        signal(SIGCHLD, SIG_DFL);
}

struct io_child {
    const struct io_program *program;
    struct buffer *said;
    pid_t pid;
    int pid_fd;  /* readable once the child has ended; -1 if the kernel has none */
    int said_fd; /* the child's output; -1 after its end */
};

/* Reads once: a child of the child may keep the other end open. */
static void io_child_read(struct io_child *child) {
    char data[READ_SIZE];
    ssize_t len = io_read(child->said_fd, data, sizeof data);
    if (len <= 0) {
        if (len == -EAGAIN)
            return;
        close(child->said_fd);
        child->said_fd = -1;
        return;
    }
    size_t left = child->program->limit - child->said->len;
    buffer_append(child->said, data, (size_t)len < left ? (size_t)len : left);
}

/* Whether the child has ended; then *status is its wait status. */
static bool io_child_ended(struct io_child *child, int *status) {
    pid_t done;
    while ((done = waitpid(child->pid, status, WNOHANG)) < 0 && errno == EINTR)
        ;
    if (done < 0)
        *status = 0; /* something else has reaped it; no failure is known */
    return done != 0;
}

static int io_child_kill(struct io_child *child, int error) {
    int status;
    kill(child->program->apart ? -child->pid : child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return error;
}

static int io_child_timeout(const struct io_child *child) {
    int left = clock_left(child->program->deadline);
    return child->pid_fd < 0 && left > LOOK_MS ? LOOK_MS : left;
}

static int io_child_wait(struct io_child *child) {
    int status;
    while (!io_child_ended(child, &status)) {
        if (clock_left(child->program->deadline) == 0)
            return io_child_kill(child, -ETIMEDOUT);
        struct pollfd polled[] = {
            {child->pid_fd, POLLIN, 0}, {child->said_fd, POLLIN, 0}, {child->program->wake_fd, POLLIN, 0}};
        if (poll(polled, 3, io_child_timeout(child)) < 0 && errno != EINTR)
            return io_child_kill(child, -errno);
        if (polled[1].revents != 0)
            io_child_read(child);
        if (polled[2].revents != 0)
            return io_child_kill(child, -EINTR);
    }
    for (struct pollfd p = {child->said_fd, POLLIN, 0}; child->said_fd >= 0 && poll(&p, 1, 0) > 0;)
        io_child_read(child);
    return status;
}

int io_run(const struct io_program *program, struct buffer *said) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    io_want_children();
    struct io_child child = {.program = program, .said = said, .said_fd = ends[0]};
    int result = io_spawn(program, ends[1], &child.pid);
    close(ends[1]);
    if (result == 0) {
        child.pid_fd = (int)syscall(SYS_pidfd_open, child.pid, 0);
        result = io_child_wait(&child);
        if (child.pid_fd >= 0)
            close(child.pid_fd);
    }
    if (child.said_fd >= 0)
        close(child.said_fd);
    return result;
}
