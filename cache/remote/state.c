/* All members are atomic: there is no lock that a killed host could keep. */
#include "cache/remote/state.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

/* For how long the server is first left alone, and how often that time doubles. */
#define AWAY_MS 10000
#define DOUBLINGS_MAX 5

/* The least time of a compile: a lookup that waits longer loses time, a shorter one saves time. */
#define WORTH_US 5000

/* How much of the waits is remembered to tell how many workers wait at once. */
#define SHARE_US 500000

/* So much lost time is accepted; less after the server was left alone for being slow. */
#define WASTE_MAX_US 500000
#define WASTE_SECOND_US 400000

struct remote_state *remote_state_map(int fd) {
    struct remote_state *state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return state != MAP_FAILED ? state : NULL;
}

struct remote_state *remote_state_new(int *fd) {
    int memory = memfd_create("pycompiled-remote", MFD_CLOEXEC);
    struct remote_state *state = memory >= 0 && ftruncate(memory, sizeof *state) == 0 ? remote_state_map(memory) : NULL;
    *fd = state != NULL ? memory : -errno;
    if (state == NULL && memory >= 0)
        close(memory);
    return state;
}

struct remote_state *remote_state_free(struct remote_state *state) {
    if (state != NULL)
        munmap(state, sizeof *state);
    return NULL;
}

bool remote_state_is_away(const struct remote_state *state) {
    return state->away_until_ms != 0;
}

static unsigned state_away_ms(unsigned failures) {
    return AWAY_MS << (failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX);
}

bool remote_state_may_try(struct remote_state *state) {
    int64_t until = state->away_until_ms, now = clock_ms();
    if (until == 0 || until > now ||
        !atomic_compare_exchange_strong(&state->away_until_ms, &until, now + state_away_ms(state->failures)))
        return false;
    state->failures++; /* reset by a fast answer */
    return true;
}

unsigned remote_state_fail(struct remote_state *state) {
    int64_t used = 0;
    unsigned ms = state_away_ms(state->failures);
    if (!atomic_compare_exchange_strong(&state->away_until_ms, &used, clock_ms() + ms))
        return 0;
    state->failures++;
    state->counts.failures++;
    return ms / 1000;
}

void remote_state_back(struct remote_state *state) {
    if (!remote_state_is_away(state))
        return;
    int64_t waste = state->waste_us;
    state->waste_us = waste < WASTE_SECOND_US ? waste : WASTE_SECOND_US;
    state->away_until_ms = 0;
}

/* Adds the wait, and halves the memory of all waits when it is long. */
static void state_note_wait(struct remote_state *state, int64_t begin_us, int64_t end_us) {
    int64_t until = state->waited_until_us;
    while (until < end_us && !atomic_compare_exchange_weak(&state->waited_until_us, &until, end_us))
        ;
    if (until < begin_us)
        until = begin_us;
    state->wall_us += until < end_us ? end_us - until : 0;
    state->waited_us += end_us - begin_us;
    if (state->waited_us > SHARE_US) {
        state->wall_us = state->wall_us / 2;
        state->waited_us = state->waited_us / 2;
    }
}

/* The part of the time of one worker that counts, from 0 to 1. Where n workers wait at once, it is about 1/n. */
static double state_share(const struct remote_state *state) {
    int64_t wall = state->wall_us, waited = state->waited_us;
    return wall < 0 ? 0 : wall < waited ? (double)wall / (double)waited : 1;
}

bool remote_state_waited(struct remote_state *state, int64_t begin_us, int64_t end_us) {
    int64_t us = end_us - begin_us;
    state_note_wait(state, begin_us, end_us);
    int64_t lost = (int64_t)((double)(us - WORTH_US) * state_share(state)), waste = state->waste_us, after;
    do
        after = waste + lost > 0 ? waste + lost : 0;
    while (!atomic_compare_exchange_weak(&state->waste_us, &waste, after));
    if (us < WORTH_US)
        state->failures = 0;
    return after <= WASTE_MAX_US;
}
