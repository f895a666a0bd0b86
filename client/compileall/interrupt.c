/* A pipe that the handler writes to. */
#include "client/compileall/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static int wake_ends[2] = {-1, -1};
static volatile sig_atomic_t caught_signal; /* the first one, or 0 */

/* Async-signal-safe: ends the wait, and with it the work. */
static void interrupt_note(int signal_number) {
    int error = errno;
    ssize_t ignored = write(wake_ends[1], "", 1);
    (void)ignored;
    caught_signal = caught_signal ? caught_signal : signal_number;
    errno = error;
}

void interrupt_catch(void) {
    static const int signals[] = {SIGINT, SIGTERM};
    if (pipe2(wake_ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old, action = {.sa_handler = interrupt_note, .sa_flags = SA_RESETHAND};
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

bool interrupt_has_come(void) {
    struct pollfd p = {wake_ends[0], POLLIN, 0};
    return poll(&p, 1, 0) > 0;
}

int interrupt_fd(void) {
    return wake_ends[0];
}

int interrupt_signal(void) {
    return caught_signal;
}
