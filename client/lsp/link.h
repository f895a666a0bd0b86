/* The connection to the daemon: calls made whether it is there or not, and answered once it is. It is connected to when
 * there is something to ask, and again when it was lost; a call that was under way then is made again. What is asked is
 * not known here. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "client/lsp/dialer.h"
#include "client/rpc_client.h"

/* What came of a call: exactly one is not NULL. Valid during the callback. */
struct link_answer {
    const cJSON *result;
    const cJSON *error;
    const char *why; /* there is no daemon */
};

typedef void link_done(void *context, const struct link_answer *answer);

struct link_call;

struct link {
    char *socket_path;
    char *folder; /* of the project */
    char *python; /* said by the person; NULL: what the project asks for */
    char *chosen; /* by the project, once connected; NULL: the daemon's default */
    struct dialer dialer;
    struct rpc_client client;
    bool connected;
    struct link_call *calls; /* not yet answered, in order */
    int64_t last_id;
};

void link_init(struct link *link);

/* Drops all calls, without callbacks. */
void link_deinit(struct link *link);

/* Says which project's Python is meant, unless `python` says one. What is under way is asked again where that changes
 * anything. Both may be NULL. */
void link_set_python(struct link *link, const char *folder, const char *python);

/* Connects ahead of the first call. */
void link_warm_up(struct link *link);

/* Asks. `params` is an object without a member `python`, and is deleted. `done` is called once, from link_handle(),
 * unless the call is dropped before. Returns a number for link_drop(), greater than 0. */
int64_t link_call(struct link *link, const char *method, cJSON *params, link_done *done, void *context);

/* Cancels: `done` will not be called. */
void link_drop(struct link *link, int64_t id);

/* What to poll for; fd -1 for nothing. */
struct pollfd link_poll(const struct link *link);

/* Acts on what poll() found. */
void link_handle(struct link *link, short revents);
