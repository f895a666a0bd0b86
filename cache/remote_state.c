/* See remote_state.h. */
#include "cache/remote_state.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

/* The first time of leaving it alone, and how often that doubles. */
#define AWAY_MS 10000
#define DOUBLINGS_MAX 5

/* What compiling a file takes at the least: a longer wait is a loss, a shorter one a gain. */
#define WORTH_US 5000

/* Loss that is borne; where it comes back after having been too slow, less. */
#define WASTE_MAX_US 500000
#define WASTE_SECOND_US 400000

struct remote_state *remote_state_map(int fd) {
    struct remote_state *state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return state != MAP_FAILED ? state : NULL;
}

struct remote_state *remote_state_new(int *fd) {
    *fd = memfd_create("pycompiled-remote", MFD_CLOEXEC);
    struct remote_state *state = *fd >= 0 && ftruncate(*fd, sizeof *state) == 0 ? remote_state_map(*fd) : NULL;
    if (state == NULL && *fd >= 0)
        close(*fd);
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

static unsigned away_ms(unsigned failures) {
    return AWAY_MS << (failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX);
}

bool remote_state_may_try(struct remote_state *state) {
    int64_t until = state->away_until_ms, now = clock_ms();
    if (until == 0 || until > now ||
        !atomic_compare_exchange_strong(&state->away_until_ms, &until, now + away_ms(state->failures)))
        return false;
    state->failures++; /* until it answers fast */
    return true;
}

unsigned remote_state_fail(struct remote_state *state) {
    int64_t used = 0;
    unsigned ms = away_ms(state->failures);
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

bool remote_state_waited(struct remote_state *state, int64_t us) {
    int64_t waste = state->waste_us, after;
    do
        after = waste + us - WORTH_US > 0 ? waste + us - WORTH_US : 0;
    while (!atomic_compare_exchange_weak(&state->waste_us, &waste, after));
    if (us < WORTH_US)
        state->failures = 0;
    return after <= WASTE_MAX_US;
}
