/* The parent waits for the child and for the order to leave at the same time. */
#include "host/pristine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

bool pristine_fork(int control_fd, int *status) {
    sigset_t chld, old;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, &old);
    signal(SIGCHLD, on_child);
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &old, NULL);
        return true;
    }
    if (child < 0) {
        perror("pycompile-host: fork");
        _exit(1);
    }
    sigset_t unblocked = old;
    sigdelset(&unblocked, SIGCHLD);
    *status = wait_for_child(child, control_fd, &unblocked);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return false;
}
