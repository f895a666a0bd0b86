/* One loop: hand out finished items, take new ones, send, wait. */
#include "client/batch.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/rpc_client.h"
#include "client/window.h"
#include "proto/rpc.h"

/* Requests in flight, and bytes of them that wait to be written. This is enough that no worker waits. It is no more
 * than that, since a sent request cannot be put behind a heavier one. */
#define IN_FLIGHT_MAX 128
#define UNSENT_MAX (1u << 20)
/* Items taken between two looks at the connection. */
#define ITEMS_AT_ONCE 64
/* Attempts to get an answer about an item. */
#define ATTEMPTS_MAX 2
/* A killed daemon may accept connections for a moment after its old connections were closed (a ghost). Reaching it
 * again is no attempt. The number of such connections, and the wait between them. */
#define GHOSTS_MAX 100
#define GHOST_WAIT_MS 10
/* Bytes of output that wait for their turn. With more, only the item whose turn it is is asked about. */
#define HELD_MAX ((size_t)4 << 20)
/* The time that requests which have begun get to end in, once the work is to stop. */
#define SETTLE_MS 2000
/* An item goes before its turn if it weighs a worker's share of the remaining work divided by this, or more: early
 * enough that the other workers are busy until it is done, and not so early that output waits for long. */
#define SHARE_PARTS 4

struct run {
    const struct batch *batch;
    struct window window;   /* an item's number in it is the request's id */
    enum batch_next source; /* the last return value of next() */
    unsigned opened;        /* the number of the connection that requests were sent on; 0: none yet */
    bool leaving;           /* the daemon drains: nothing more is sent on this connection */
    bool heard;             /* something was answered on this connection */
    pid_t lost;             /* the daemon of the connection that was lost before */
    unsigned ghosts;
    bool settling;  /* the work is to stop: nothing more is sent */
    uint64_t parts; /* see window.h */
    int64_t begun;  /* items before this one have begun their output */
    size_t held;    /* bytes of output that wait for their turn */
    struct buffer params;
};

static struct batch_item *item_at(struct run *run, int64_t number) {
    return window_slot(&run->window, number)->tag;
}

/* Gives the answer to the owner, who may have more to ask. */
static void finish(struct run *run, int64_t number, const struct batch_answer *answer) {
    struct slot *slot = window_slot(&run->window, number);
    struct batch_item *item = slot->tag;
    run->held -= item->held;
    bool more = run->batch->owner->answered(item, answer, run->batch->context);
    run->held += item->held;
    slot->attempts = 0;
    window_set(&run->window, number, more ? SLOT_WAITING : SLOT_DONE);
}

static void finish_unavailable(struct run *run, int64_t number, const char *reason) {
    struct buffer text = {0};
    buffer_printf(&text, "{\"code\":%d,\"message\":", RPC_UNAVAILABLE);
    json_print_string(reason, &text);
    buffer_append_string(&text, ",\"data\":{\"reason\":");
    json_print_string(reason, &text);
    buffer_append_string(&text, ",\"retryable\":true}}");
    finish(run, number, &(struct batch_answer){.error = {text.data, text.len}});
    buffer_deinit(&text);
}

static void take_items(struct run *run) {
    run->source = run->source == BATCH_END ? BATCH_END : BATCH_LATER;
    for (int i = 0; i < ITEMS_AT_ONCE && run->source != BATCH_END && !window_is_full(&run->window); i++) {
        struct batch_item *item;
        run->source = run->batch->owner->next(&item, run->batch->context);
        if (run->source != BATCH_ITEM)
            return;
        run->held += item->held;
        window_add(&run->window, item, item->weight, item->asks);
    }
}

/* Whether the source can be asked for more without waiting for anything. */
static bool has_more(const struct run *run) {
    return (run->source == BATCH_ITEM || run->source == BATCH_LATER) && !window_is_full(&run->window);
}

/* Tells the owner that the oldest item's turn has come, once there is something to tell about it. */
static void begin_oldest(struct run *run) {
    int64_t oldest = run->window.base;
    if (run->begun > oldest || oldest == run->window.next || window_slot(&run->window, oldest)->state == SLOT_WAITING)
        return;
    run->begun = oldest + 1;
    if (run->batch->owner->begin != NULL)
        run->batch->owner->begin(item_at(run, oldest), run->batch->context);
}

/* Hands out the oldest item. Returns false if the owner stops. */
static bool deliver_oldest(struct run *run) {
    begin_oldest(run);
    struct batch_item *item = window_take(&run->window);
    run->held -= item->held;
    return run->batch->owner->take(item, run->batch->context);
}

/* Hands out finished items, in order. Returns false if the owner stops. */
static bool deliver(struct run *run) {
    while (window_has_done(&run->window))
        if (!deliver_oldest(run))
            return false;
    return true;
}

static void batch_disconnect(struct run *run) {
    run_link_close(run->batch->link);
    run->leaving = false;
}

/* Whether the ended connection was one to a daemon that was known to be lost. */
static bool is_ghost(struct run *run) {
    pid_t peer = run->batch->link->peer;
    bool ghost = !run->heard && peer != 0 && peer == run->lost && run->ghosts < GHOSTS_MAX;
    run->ghosts = ghost ? run->ghosts + 1 : 0;
    run->lost = peer;
    return ghost;
}

/* The connection has ended: unanswered requests are sent once more. */
static void lose_connection(struct run *run) {
    bool ghost = is_ghost(run);
    batch_disconnect(run);
    if (ghost)
        clock_sleep_ms(GHOST_WAIT_MS);
    for (int64_t i = run->window.base; run->window.sent > 0 && i < run->window.next; i++) {
        struct slot *slot = window_slot(&run->window, i);
        if (slot->state != SLOT_SENT)
            continue;
        if (ghost)
            slot->attempts--;
        if (slot->attempts < ATTEMPTS_MAX)
            window_set(&run->window, i, SLOT_WAITING);
        else
            finish_unavailable(run, i, "the connection to the daemon was lost twice");
    }
}

/* The item to be sent next, or -1. */
static int64_t pick(struct run *run) {
    struct window *window = &run->window;
    if (run->held <= HELD_MAX)
        return window_pick(window);
    return window_slot(window, window->base)->state == SLOT_WAITING ? window->base : -1;
}

static void send_waiting(struct run *run) {
    int64_t number;
    bool is_end_in_sight = run->source == BATCH_END || window_is_full(&run->window);
    run->window.parts = is_end_in_sight ? run->parts : 0;
    while (run->window.sent < IN_FLIGHT_MAX && rpc_client_unsent(&run->batch->link->client) <= UNSENT_MAX &&
           (number = pick(run)) >= 0) {
        struct slot *slot = window_slot(&run->window, number);
        run->params.len = 0;
        run->batch->owner->ask(slot->tag, &run->params, run->batch->context);
        rpc_client_queue(&run->batch->link->client, number, "compile", &run->params);
        slot->attempts++;
        window_set(&run->window, number, SLOT_SENT);
    }
}

/* Whether the error means that another daemon may succeed, or that the request was not begun before the end. */
static bool is_retryable(const struct run *run, struct json_span error) {
    struct json_span code = json_member(error.text, error.len, "code");
    if (run->settling && code.text != NULL && atoi(code.text) == RPC_REQUEST_CANCELLED)
        return true;
    return rpc_client_is_retryable(error);
}

/* Whether the daemon means other folders by the paths, and one of this process's own namespace is asked from now on. */
static bool batch_goes_apart(struct run *run, struct json_span error) {
    const char *why;
    cJSON *tree = json_parse(error.text, error.len, &why);
    const char *theirs = json_get_string(cJSON_GetObjectItemCaseSensitive(tree, "data"), "namespace");
    bool apart = theirs != NULL && run_link_go_apart(run->batch->link, theirs);
    cJSON_Delete(tree);
    return apart;
}

/* Returns a negative value and a message where the daemon complains about the conversation itself. */
static int take_answer(struct run *run, const struct rpc_answer *answer, char **why) {
    struct window *window = &run->window;
    bool ours =
        answer->id >= window->base && answer->id < window->next && window_slot(window, answer->id)->state == SLOT_SENT;
    if (!ours) {
        if (answer->id >= 0 || answer->error.text == NULL)
            return 0;
        *why = xasprintf("the daemon refuses a request: %.*s", (int)answer->error.len, answer->error.text);
        return -EPROTO;
    }
    run->heard = true;
    bool again = answer->error.text != NULL && is_retryable(run, answer->error) &&
                 (run->settling || window_slot(window, answer->id)->attempts < ATTEMPTS_MAX);
    if (again)
        (void)batch_goes_apart(run, answer->error); /* else the same is asked again: folders may have been replaced */
    if (again)
        window_set(window, answer->id, SLOT_WAITING);
    else
        finish(run, answer->id, &(struct batch_answer){answer->result, answer->error});
    run->leaving = run->leaving || again;
    return 0;
}

/* Takes all answers that were read. */
static int take_answers(struct run *run, char **why) {
    struct rpc_answer answer;
    struct rpc_client *client = &run->batch->link->client;
    for (;;) {
        enum rpc_step step = rpc_client_next(client, &answer);
        if (step == RPC_STEP_WAIT)
            return 0;
        if (step == RPC_STEP_BROKEN) {
            *why = xasprintf("what listens on %s does not speak JSON-RPC 2.0", run->batch->link->socket_path);
            return -EPROTO;
        }
        if (take_answer(run, &answer, why) < 0)
            return -EPROTO;
    }
}

/* Reads, and takes all answers that are there. */
static int receive(struct run *run, char **why) {
    bool closed = rpc_client_read(&run->batch->link->client) == RPC_STEP_CLOSED;
    int result = take_answers(run, why);
    if (result == 0 && closed)
        lose_connection(run);
    return result;
}

static int serve_source(struct run *run, char **why) {
    run->source = BATCH_LATER;
    int result = names_fill(run->batch->names);
    if (result < 0)
        *why = xasprintf("cannot read the names: %s", strerror(-result));
    return result;
}

/* How long to wait: until the progress is to be drawn, or a silent daemon is to be asked whether it lives. */
static int batch_timeout(const struct run *run) {
    int timeout = progress_timeout(run->batch->progress);
    int quiet = run->window.sent > 0 ? rpc_client_quiet_left(&run->batch->link->client) : -1;
    return has_more(run) ? 0 : quiet >= 0 && (timeout < 0 || quiet < timeout) ? quiet : timeout;
}

/* Nothing came in time. After a long silence the daemon must give a sign of life. */
static int on_nothing(struct run *run, char **why) {
    struct run_link *link = run->batch->link;
    if (run->window.sent == 0 || rpc_client_quiet_left(&link->client) != 0)
        return 0;
    int result = run_link_check(link, why);
    link->client.active_ms = clock_ms();
    return result;
}

/* Waits for the socket, the source or the wake-up, whichever are wanted, and serves those that are ready. poll()
 * ignores a descriptor of -1. */
static int wait_and_serve(struct run *run, char **why) {
    struct run_link *link = run->batch->link;
    bool asked = link->is_open && run->opened == link->opened;
    short events = asked && rpc_client_unsent(&link->client) > 0 ? POLLIN | POLLOUT : POLLIN;
    bool wants_source = run->source == BATCH_WAIT && !window_is_full(&run->window);
    struct pollfd polled[] = {
        {asked ? link->client.fd : -1, events, 0},
        {wants_source ? run->batch->names->fd : -1, POLLIN, 0},
        {run->batch->wake_fd, POLLIN, 0},
    };
    int ready = poll(polled, 3, batch_timeout(run));
    if (ready < 0 && errno != EINTR) {
        *why = xasprintf("cannot wait for the daemon: %s", strerror(errno));
        return -errno;
    }
    if (ready <= 0)
        return ready < 0 ? 0 : on_nothing(run, why);
    /* A failed write is noticed when reading, after the answers that came before it. */
    if (polled[0].revents & POLLOUT)
        rpc_client_write(&link->client);
    int result = polled[0].revents & ~POLLOUT ? receive(run, why) : 0;
    return result == 0 && polled[1].revents != 0 ? serve_source(run, why) : result;
}

/* Notices that the owner has had the connection opened anew, and takes what came during a call of the owner's. */
static int follow_link(struct run *run, char **why) {
    struct run_link *link = run->batch->link;
    if (run->window.sent > 0 && (!link->is_open || link->opened != run->opened))
        lose_connection(run);
    return link->is_open && run->window.sent > 0 ? take_answers(run, why) : 0;
}

/* Connects if there is something to send, and sends it. */
static int send_requests(struct run *run, char **why) {
    struct run_link *link = run->batch->link;
    if (run->leaving && run->window.sent == 0)
        batch_disconnect(run);
    if (run->window.waiting == 0 || run->leaving)
        return 0;
    int result = run_link_open(link, why);
    if (result < 0)
        return result;
    if (run->opened != link->opened)
        run->heard = false;
    run->opened = link->opened;
    send_waiting(run);
    rpc_client_write(&link->client);
    return 0;
}

/* Draws the progress line if it is time. Requests are run in the order in which they were sent. */
static void draw_progress(struct run *run) {
    if (!progress_is_due(run->batch->progress))
        return;
    int64_t running = window_first_sent(&run->window);
    progress_draw(run->batch->progress, running >= 0 ? item_at(run, running)->name : NULL);
}

static int batch_loop(struct run *run, char **why) {
    int result = 0;
    while (result == 0) {
        if (!deliver(run))
            return 0;
        take_items(run);
        if (run->window.base == run->window.next && run->source == BATCH_END)
            return 0;
        result = follow_link(run, why);
        if (result == 0)
            result = send_requests(run, why);
        begin_oldest(run);
        if (result < 0 || !run->batch->owner->flush(run->batch->context))
            return result;
        /* An item that nothing is asked about is done already. */
        if (window_has_done(&run->window))
            continue;
        draw_progress(run);
        result = wait_and_serve(run, why);
    }
    return result;
}

static bool batch_is_woken(const struct batch *batch) {
    struct pollfd wake = {batch->wake_fd, POLLIN, 0};
    return poll(&wake, 1, 0) > 0;
}

/* Asks the daemon to forget the requests that no worker has. */
static void cancel_sent(struct run *run) {
    for (int64_t i = run->window.base; i < run->window.next; i++) {
        if (window_slot(&run->window, i)->state != SLOT_SENT)
            continue;
        run->params.len = 0;
        buffer_printf(&run->params, "{\"id\":%lld,\"only_queued\":true}", (long long)i);
        rpc_write_notification(&run->batch->link->client.out, "$/cancelRequest", run->params.data, run->params.len);
        buffer_append_char(&run->batch->link->client.out, '\n');
    }
}

/* Waits until nothing is in flight any more, but not for long. */
static void settle(struct run *run) {
    struct run_link *link = run->batch->link;
    int64_t end = clock_ms() + SETTLE_MS;
    char *why = NULL;
    bool is_over = !link->is_open || run->opened != link->opened;
    run->settling = true;
    if (!is_over)
        cancel_sent(run);
    while (!is_over && run->window.sent > 0 && clock_left(end) > 0) {
        rpc_client_write(&link->client);
        struct pollfd polled = {link->client.fd, rpc_client_unsent(&link->client) > 0 ? POLLIN | POLLOUT : POLLIN, 0};
        if (poll(&polled, 1, clock_left(end)) > 0 && polled.revents & ~POLLOUT)
            is_over = rpc_client_read(&link->client) == RPC_STEP_CLOSED;
        is_over = take_answers(run, &why) < 0 || is_over;
    }
    free(why);
}

/* Gives all open items back: those that are done are taken if the work was told to stop, the others are dropped. */
static void give_back(struct run *run, bool takes) {
    const struct batch_owner *owner = run->batch->owner;
    for (int64_t i = run->window.base; i < run->window.next; i++) {
        struct batch_item *item = item_at(run, i);
        enum slot_state state = window_slot(&run->window, i)->state;
        bool is_begun = i < run->begun || owner->begin == NULL;
        item->in_flight = state == SLOT_SENT;
        if (!takes || state != SLOT_DONE) {
            owner->drop(item, run->batch->context);
            continue;
        }
        if (!is_begun)
            owner->begin(item, run->batch->context);
        (void)owner->take(item, run->batch->context); /* it stops already */
    }
}

/* Items that weigh less than this part of the work are sent in their turn. */
static uint64_t count_parts(void) {
    cpu_set_t cpus;
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return (uint64_t)count * SHARE_PARTS;
}

int batch_run(const struct batch *batch, char **why) {
    struct run *run = xcalloc(1, sizeof *run);
    run->batch = batch;
    run->parts = count_parts();
    *why = NULL;
    int result = batch_loop(run, why);
    bool is_woken = result == 0 && batch_is_woken(batch);
    if (is_woken)
        settle(run);
    give_back(run, is_woken);
    if (run->window.sent > 0 || run->leaving)
        batch_disconnect(run);
    batch->owner->flush(batch->context);
    buffer_deinit(&run->params);
    free(run);
    return result;
}
