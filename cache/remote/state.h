/* The state of the remote tier that all processes of a daemon share: whether the remote server is left alone, and
 * counters. It is shared memory, which the server makes and the hosts map. A host that writes nonsense into it can
 * cause waits and misses, and nothing worse. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Counters since the start of the daemon. */
struct remote_counts {
    _Atomic uint64_t hits, misses;
    _Atomic uint64_t stored;
    _Atomic uint64_t failures; /* how often the remote server began to be left alone, or a host began without it */
    _Atomic uint64_t refused;  /* values with a wrong seal */
    _Atomic uint64_t dropped;  /* entries that were not stored: the queue was full, or the server was left
                                * alone, or the server refused them */
};

struct remote_state {
    struct remote_counts counts;
    _Atomic int64_t away_until_ms;      /* of clock_ms(); 0: the server is used */
    _Atomic unsigned failures;          /* in a row */
    _Atomic int64_t waste_us;           /* wall time that lookups lost, less time that they saved since */
    _Atomic int64_t waited_until_us;    /* of clock_us(): the end of the latest wait */
    _Atomic int64_t wall_us, waited_us; /* of the latest waits: time that overlapping ones share, and their sum */
};

/* Makes the state; *fd is the descriptor that hosts map, which the caller closes. NULL on failure; then *fd is a
 * negative errno value. */
struct remote_state *remote_state_new(int *fd);

/* Maps the state of another process. NULL: it cannot be mapped. */
struct remote_state *remote_state_map(int fd);
struct remote_state *remote_state_free(struct remote_state *state);

/* Whether the remote server is left alone. */
bool remote_state_is_away(const struct remote_state *state);

/* Whether this caller is to try the server again: it was left alone long enough, and no other caller tries. */
bool remote_state_may_try(struct remote_state *state);

/* Leaves the server alone after a failure: for 10 s, and after each further failure for twice as long, at most 320 s.
 * Returns for how many seconds; 0: it was left alone already. */
unsigned remote_state_fail(struct remote_state *state);

/* Uses the server again, after an answer. */
void remote_state_back(struct remote_state *state);

/* Adds the time in which one lookup has waited, by clock_us(). Whether the server is still worth its time. The time
 * that n workers lose or save at once counts once: of each, 1/n. */
bool remote_state_waited(struct remote_state *state, int64_t begin_us, int64_t end_us);
