/* A pipe that the handler writes to. */
#include "client/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { INTERRUPT_COUNT = 2 };
static const int signals[INTERRUPT_COUNT] = {SIGINT, SIGTERM};

static int wake_ends[2] = {-1, -1};
static bool is_ours[INTERRUPT_COUNT];       /* the others were ignored before, and stay so */
static volatile sig_atomic_t caught_signal; /* the first one, or 0 */

/* Async-signal-safe: ends the wait, and with it the work. The next signal of either kind has its default action. */
static void interrupt_note(int signal_number) {
    static const struct sigaction by_default = {.sa_handler = SIG_DFL};
    int error = errno;
    for (int i = 0; i < INTERRUPT_COUNT; i++)
        if (is_ours[i])
            (void)sigaction(signals[i], &by_default, NULL); /* fails for no valid signal */
    caught_signal = caught_signal ? caught_signal : signal_number;
    ssize_t ignored = write(wake_ends[1], "", 1);
    (void)ignored;
    errno = error;
}

void interrupt_catch(void) {
    struct sigaction action = {.sa_handler = interrupt_note};
    if (pipe2(wake_ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < INTERRUPT_COUNT; i++)
        sigaddset(&action.sa_mask, signals[i]);
    for (int i = 0; i < INTERRUPT_COUNT; i++) {
        struct sigaction old;
        is_ours[i] = sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN;
    }
    for (int i = 0; i < INTERRUPT_COUNT; i++)
        if (is_ours[i])
            (void)sigaction(signals[i], &action, NULL); /* fails for no valid signal */
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

void interrupt_pass_on(void) {
    if (caught_signal != SIGTERM)
        return;
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
}
