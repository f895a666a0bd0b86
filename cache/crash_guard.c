/* See crash_guard.h. */
#include "cache/crash_guard.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT};
#define SIGNAL_COUNT (sizeof signals / sizeof *signals)

static struct sigaction before[SIGNAL_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local const char *volatile used;
static _Thread_local volatile unsigned depth;

/* Gives the signal back to whom it belonged. A fault comes again when the handler returns, one that
 * was sent does not. */
static void on_signal(int signum, siginfo_t *info, void *context) {
    if (depth > 0)
        unlink(used);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (signals[i] != signum)
            continue;
        sigaction(signum, &before[i], NULL);
        if ((before[i].sa_flags & SA_SIGINFO) != 0)
            before[i].sa_sigaction(signum, info, context);
        else if (info->si_code <= 0)
            raise(signum);
    }
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO};
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaction(signals[i], &action, &before[i]);
}

void crash_guard_begin(const char *path) {
    pthread_once(&once, install);
    used = path;
    depth++;
}

void crash_guard_end(void) {
    depth--;
}
