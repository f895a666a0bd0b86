/* Delaying SIGTERM and SIGINT, by the thread's signal mask. */
#include "daemon/process/signals.h"

#include <signal.h>
#include <stddef.h>

static void signals_mask(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(how, &set, NULL);
}

void signals_hold(void) {
    signals_mask(SIG_BLOCK);
}

void signals_release(void) {
    signals_mask(SIG_UNBLOCK);
}
