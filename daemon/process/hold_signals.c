/* See hold_signals.h. */
#include "daemon/process/hold_signals.h"

#include <signal.h>
#include <stddef.h>

static void mask(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(how, &set, NULL);
}

void hold_signals(void) {
    mask(SIG_BLOCK);
}

void release_signals(void) {
    mask(SIG_UNBLOCK);
}
