/* What all processes of a daemon know of the remote tier: whether it is left alone for now, and what it was good for.
 * It is memory that the server makes and its hosts map; nobody can be misled by it into more than a wait or a miss. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts since the server's start. */
struct remote_counts {
    _Atomic uint64_t hits, misses;
    _Atomic uint64_t stored;
    _Atomic uint64_t failures; /* times that it was left alone from then on */
    _Atomic uint64_t refused;  /* values whose seal was wrong */
    _Atomic uint64_t dropped;  /* entries not stored: too many waited, or it was left alone, or it did not take them */
};

struct remote_state {
    struct remote_counts counts;
    _Atomic int64_t away_until_ms; /* CLOCK_MONOTONIC; 0: it is used */
    _Atomic unsigned failures;     /* in a row */
    _Atomic int64_t waste_us;      /* waited beyond what is worth it, less what was won since */
};

/* Makes one; the descriptor is for hosts to map. NULL with errno set. */
struct remote_state *remote_state_new(int *fd);

/* Maps one of another process. NULL with errno set. */
struct remote_state *remote_state_map(int fd);
struct remote_state *remote_state_free(struct remote_state *state);

/* Whether it is left alone. */
bool remote_state_is_away(const struct remote_state *state);

/* Whether this caller, of all, is to try whether it is back: it was left alone for long enough. */
bool remote_state_may_try(struct remote_state *state);

/* It has failed: it is left alone from now on, for 10 s, and after each further failure twice as long, at most 320 s.
 * Returns for how many seconds; 0: it was already. */
unsigned remote_state_fail(struct remote_state *state);

/* It has answered. */
void remote_state_back(struct remote_state *state);

/* A worker has waited so long for an answer. False: too much has been lost by now. */
bool remote_state_waited(struct remote_state *state, int64_t us);
