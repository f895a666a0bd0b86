/* The connection to the daemon. A call may be made at any time. The first call makes the connection. A lost connection
 * is made again, and calls that were under way are sent again. This file knows no method of the daemon but
 * `$/cancelRequest`. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/list.h"
#include "client/lsp/dialer.h"
#include "client/rpc_client.h"

/* The outcome of a call. Exactly one member is not NULL. Valid during the callback. */
struct daemon_answer {
    const cJSON *result;
    const cJSON *error; /* the daemon's error object */
    const char *why;    /* there is no daemon: the reason */
};

typedef void daemon_done(void *context, const struct daemon_answer *answer);

struct daemon_link {
    char *socket_path;
    char *folder; /* of the project, or NULL */
    char *python; /* set by the user; NULL: what the project asks for */
    char *chosen; /* by the project, for this connection; NULL: the daemon's default */
    struct dialer dialer;
    struct rpc_client client;
    bool connected;
    bool was_connected; /* ever */
    struct list calls;  /* not yet answered, in the order of their ids */
    int64_t last_id;
};

void daemon_link_init(struct daemon_link *link);

/* Drops all calls; no callback is called. */
void daemon_link_deinit(struct daemon_link *link);

/* Sets the Python to compile for: `python`, or where that is NULL, the one that the project in `folder` asks for. Both
 * may be NULL; both are copied. Calls under way are sent again if this changes anything. */
void daemon_link_set_python(struct daemon_link *link, const char *folder, const char *python);

/* Connects ahead of the first call. */
void daemon_link_warm_up(struct daemon_link *link);

/* Queues a call. Deletes `params`, an object without a member `python`; borrows `method` until the call is done.
 * `done` is called exactly once, from daemon_link_handle(), unless the call is dropped first. Returns an id greater
 * than 0 for daemon_link_drop(). */
int64_t daemon_link_call(struct daemon_link *link, const char *method, cJSON *params, daemon_done *done, void *context);

/* Cancels a call; `done` is not called. Harmless where there is no such call. */
void daemon_link_drop(struct daemon_link *link, int64_t id);

/* Returns what to poll for; its fd is -1 where there is nothing. */
struct pollfd daemon_link_poll(const struct daemon_link *link);

/* Acts on the events that poll() found, 0 for none; connects and sends where calls wait. */
void daemon_link_handle(struct daemon_link *link, short revents);
