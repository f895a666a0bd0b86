/* The connection of a run: one, opened when it is first needed, handed to everything that asks the daemon something,
 * and opened anew where the daemon has gone. Notices a daemon that hangs: see run_link_check(). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "client/progress.h"
#include "client/rpc_client.h"

struct run_link {
    const char *socket_path;   /* borrowed */
    const char *prog;          /* begins what is said on standard error */
    struct progress *progress; /* cleared before anything is said, or NULL */
    bool may_say;              /* false: nothing is said on standard error */
    int wake_fd;               /* ends all waiting once it can be read; -1: none */
    int patience_ms;           /* how long a daemon may give no sign of life */
    bool is_open;
    bool has_said;            /* that the daemon gives none */
    unsigned opened;          /* connections so far */
    struct rpc_client client; /* while is_open */
    pid_t peer;               /* the daemon of this connection, 0 where not known */
    cJSON *status;            /* its answer, once it was asked for; or NULL */
};

/* Opens nothing yet. Reads $PYCOMPILED_PATIENCE. */
void run_link_init(struct run_link *link, const char *socket_path, const char *prog);
void run_link_deinit(struct run_link *link);

/* Connects, and starts the daemon where none runs; does nothing where it is open. Returns 0, or a negative errno value
 * and a message, which the caller frees. */
int run_link_open(struct run_link *link, char **why);

/* The same without starting a daemon: -ENOENT without a message where none runs. */
int run_link_open_running(struct run_link *link, char **why);

/* Drops the connection, and all that is in flight on it. */
void run_link_close(struct run_link *link);

/* Opens, asks, and waits; once more on a new connection where the daemon has closed this one. Other requests may be in
 * flight. Returns the result, which the caller gives to cJSON_Delete(), or NULL and a message, which the caller frees.
 */
cJSON *run_link_call(struct run_link *link, const char *method, const struct buffer *params, int wait_ms, char **why);

/* The daemon's status: asked for once, the same for the rest of the run. NULL and a message, which the caller frees. */
const cJSON *run_link_status(struct run_link *link, char **why);

/* For a daemon that is silent for long though it owes an answer: has it answer on a second connection. Says on standard
 * error that it waits, and waits up to `patience_ms`. Returns 0 where the daemon lives, else a negative errno value and
 * a message, which the caller frees. */
int run_link_check(struct run_link *link, char **why);
