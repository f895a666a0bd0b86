/* The parent waits for a child that works and for the order to leave at the same time. */
#include "host/pristine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"

/* The time that a child gets to finish writing when the host must leave. */
#define GRACE_NS 200000000L

static void on_child(int signum) {
    /* It only interrupts ppoll(). */
}

void pristine_die_like(int status) {
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_UNBLOCK, &all, NULL);
        raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Waits for the child. After the order to leave, the child has GRACE_NS left. */
static int wait_for_child(pid_t child, int control_fd, const sigset_t *unblocked) {
    struct pollfd control = {.fd = control_fd, .events = POLLIN};
    const struct timespec grace = {.tv_nsec = GRACE_NS};
    bool leaving = false;
    for (;;) {
        int status;
        pid_t waited = waitpid(child, &status, WNOHANG);
        if (waited == child)
            return status;
        if (ppoll(&control, leaving ? 0 : 1, leaving ? &grace : NULL, unblocked) < 0)
            continue; /* interrupted: the child, most likely */
        if (leaving)
            kill(child, SIGKILL);
        leaving = true;
    }
}

int pristine_wait(pid_t child, int control_fd) {
    sigset_t chld, old;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, &old);
    signal(SIGCHLD, on_child);
    sigset_t unblocked = old;
    sigdelset(&unblocked, SIGCHLD);
    int status = wait_for_child(child, control_fd, &unblocked);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}

pid_t pristine_fork(void) {
    pid_t child = fork();
    if (child >= 0)
        return child;
    perror("pycompile-host: fork");
    _exit(1);
}

/* A request ends where the parent closes its end of the pair. There is none where the parent itself ends. */
static void receive_request(int fd, struct buffer *text) {
    if (io_read_all(fd, SIZE_MAX, text) < 0 || text->len == 0)
        _exit(0);
    close(fd);
}

bool pristine_prepare(struct pristine_child *ready, struct buffer *text) {
    int fds[2];
    if (ready->pid != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return false; /* without one the next job forks */
    pid_t child = fork();
    close(fds[child == 0 ? 0 : 1]);
    if (child < 0)
        close(fds[0]);
    else if (child > 0)
        *ready = (struct pristine_child){child, fds[0]};
    else
        receive_request(fds[1], text);
    return child == 0;
}

pid_t pristine_give(struct pristine_child *ready, const char *text, size_t len) {
    pid_t child = ready->pid;
    if (child == 0)
        return 0;
    bool given = io_send_all(ready->fd, text, len) == 0;
    close(ready->fd);
    *ready = (struct pristine_child){0};
    if (given)
        return child;
    kill(child, SIGKILL); /* another process has killed it already, most likely */
    waitpid(child, NULL, 0);
    return 0;
}
