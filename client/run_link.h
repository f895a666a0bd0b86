/* The one connection of a client's run. It is opened when it is first needed, used for everything that the run asks
 * the daemon, and opened anew if the daemon is gone. run_link_check() notices a daemon that hangs. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "client/progress.h"
#include "client/rpc_client.h"

struct run_link {
    const char *socket_path;   /* that all programs share; borrowed */
    char *apart_path;          /* in its place, once run_link_go_apart() has found that; else NULL; owned */
    bool has_gone_apart;       /* since the last connection was opened */
    char *path;                /* of the last connection, or NULL; owned */
    const char *prog;          /* the program's name, for messages on standard error */
    struct progress *progress; /* cleared before a message, or NULL */
    bool may_say;              /* false: no messages on standard error */
    bool keeps_daemon;         /* a daemon of another build is not replaced by run_link_open_running() */
    int wake_fd;               /* ends every wait when it becomes readable; -1: none */
    int patience_ms;           /* the longest silence of a daemon */
    bool is_open;
    bool has_said;            /* the message that the daemon is silent */
    bool has_noticed;         /* a notice about the daemon was printed */
    unsigned opened;          /* number of connections so far */
    struct rpc_client client; /* while is_open */
    pid_t peer;               /* the daemon of this connection; 0 if unknown */
    cJSON *status;            /* the daemon's status, once it was asked for; or NULL */
};

/* Opens nothing yet. Reads $PYCOMPILED_PATIENCE. */
void run_link_init(struct run_link *link, const char *socket_path, const char *prog);
void run_link_deinit(struct run_link *link);

/* Connects, and starts a daemon if none runs; does nothing if the link is open. Returns 0, or a negative errno value
 * and a message, which the caller frees. */
int run_link_open(struct run_link *link, char **why);

/* The same without starting a daemon: -ENOENT without a message if none runs. */
int run_link_open_running(struct run_link *link, char **why);

/* The daemon sees other folders than this process, from the namespace `theirs` (place_namespace() of base/place.h).
 * From the next connection on, a daemon of this process's own namespace is used. Returns false if there can be none, or
 * if that is not the reason. */
bool run_link_go_apart(struct run_link *link, const char *theirs);

/* Drops the connection, and all requests in flight on it. */
void run_link_close(struct run_link *link);

/* Opens the link, sends a request and waits for its answer; once more on a new connection if the daemon has closed
 * this one. Other requests may be in flight. Returns the result, which the caller gives to cJSON_Delete(), or NULL
 * and a message, which the caller frees. */
cJSON *run_link_call(struct run_link *link, const char *method, const struct buffer *params, int wait_ms, char **why);

/* The daemon's status, or where none runs, the list of Pythons that one would have: none is started for that. It is
 * asked for once and stays the same for the rest of the run. NULL and a message, which the caller frees, on failure. */
const cJSON *run_link_status(struct run_link *link, char **why);

/* Closes the link. From here on, run_link_status() gives the list of Pythons that a daemon would have, which may be
 * empty, and asks no daemon. */
void run_link_forgo(struct run_link *link);

/* For a daemon that is silent although it owes an answer: asks for its status on a second connection, prints that
 * the client waits, and waits up to `patience_ms`. Returns 0 if the daemon lives, else a negative errno value and a
 * message, which the caller frees. */
int run_link_check(struct run_link *link, char **why);
