/* See batch.h. */
#include "client/batch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "client/autostart.h"
#include "client/clock.h"
#include "client/connect.h"
#include "client/rpc_client.h"
#include "proto/rpc.h"

/* Names taken and not yet handed out; more than may be in flight, so that one slow file does not
 * hold up the others. */
#define WINDOW 1024
/* Requests in flight, and bytes of them waiting to be written. */
#define IN_FLIGHT_MAX 256
#define UNSENT_MAX (1u << 20)
/* How often one file is asked for. */
#define ATTEMPTS_MAX 2
/* A process that was killed may accept connections for a moment after it has closed the one that
 * was used: reaching it again is no attempt. How often, and how long between. */
#define GHOSTS_MAX 100
#define GHOST_WAIT_MS 10

enum slot_state {
    SLOT_WAITING, /* to be sent */
    SLOT_SENT,
    SLOT_DONE,
};

struct slot {
    enum slot_state state;
    unsigned attempts;
    char *file;
    char *answer; /* raw JSON text; SLOT_DONE */
    size_t answer_len;
    bool failed; /* the answer is an error */
};

/* Slots [base, next) are alive, each at its number modulo WINDOW; the number is the request's id.
 */
struct run {
    const struct batch *batch;
    struct slot slots[WINDOW];
    int64_t base, next;
    unsigned waiting, sent;
    bool connected;
    bool leaving; /* the daemon drains: nothing more is sent on this connection */
    bool heard;   /* something was answered on this connection */
    pid_t peer;   /* the daemon of this connection, 0 where not known */
    pid_t lost;   /* the daemon of the connection that was lost before */
    unsigned ghosts;
    bool names_ended;
    struct rpc_client client;
    struct buffer params;
};

static struct slot *slot_of(struct run *run, int64_t number) {
    return &run->slots[number % WINDOW];
}

static void set_state(struct run *run, struct slot *slot, enum slot_state state) {
    run->waiting -= slot->state == SLOT_WAITING;
    run->sent -= slot->state == SLOT_SENT;
    slot->state = state;
    run->waiting += state == SLOT_WAITING;
    run->sent += state == SLOT_SENT;
}

static void finish(struct run *run, struct slot *slot, struct json_span answer, bool failed) {
    slot->answer = xstrndup(answer.text, answer.len);
    slot->answer_len = answer.len;
    slot->failed = failed;
    set_state(run, slot, SLOT_DONE);
}

static void finish_unavailable(struct run *run, struct slot *slot, const char *reason) {
    struct buffer text = {0};
    buffer_printf(&text, "{\"code\":%d,\"message\":", RPC_UNAVAILABLE);
    json_print_string(reason, &text);
    buffer_append_string(&text, ",\"data\":{\"reason\":");
    json_print_string(reason, &text);
    buffer_append_string(&text, ",\"retryable\":true}}");
    finish(run, slot, (struct json_span){text.data, text.len}, true);
    buffer_deinit(&text);
}

static void add_slot(struct run *run, const char *file, bool truncated) {
    struct slot *slot = slot_of(run, run->next++);
    *slot = (struct slot){.file = xstrdup(file), .state = SLOT_WAITING};
    run->waiting++;
    if (truncated) {
        static const char error[] =
            "{\"code\":-32602,\"message\":\"embedded null byte in the name\"}";
        finish(run, slot, (struct json_span){error, sizeof error - 1}, true);
    }
}

/* Whether another name may be taken. */
static bool has_room(const struct run *run) {
    return !run->names_ended && run->next - run->base < WINDOW &&
           run->sent + run->waiting < IN_FLIGHT_MAX;
}

static void take_names(struct run *run) {
    const char *file;
    bool truncated;
    while (has_room(run)) {
        enum names_status status = names_next(run->batch->names, &file, &truncated);
        run->names_ended = status == NAMES_END;
        if (status != NAMES_READY)
            return;
        add_slot(run, file, truncated);
    }
}

/* Hands out what is done, in order. Returns false where the taker has had enough. */
static bool deliver(struct run *run) {
    while (run->base < run->next && slot_of(run, run->base)->state == SLOT_DONE) {
        struct slot *slot = slot_of(run, run->base++);
        struct json_span text = {slot->answer, slot->answer_len}, none = {NULL, 0};
        struct batch_answer answer = {slot->file, slot->failed ? none : text,
                                      slot->failed ? text : none};
        bool go_on = run->batch->take(&answer, run->batch->context);
        free(slot->answer);
        free(slot->file);
        *slot = (struct slot){0};
        if (!go_on)
            return false;
    }
    return true;
}

static void disconnect(struct run *run) {
    if (run->connected)
        rpc_client_deinit(&run->client);
    run->connected = false;
    run->leaving = false;
}

/* Whether the connection that is over was one to a daemon that was known to be lost. */
static bool is_ghost(struct run *run) {
    bool ghost =
        !run->heard && run->peer != 0 && run->peer == run->lost && run->ghosts < GHOSTS_MAX;
    run->ghosts = ghost ? run->ghosts + 1 : 0;
    run->lost = run->peer;
    return ghost;
}

/* The connection is over: what was asked and not answered is asked once more, by itself. */
static void lose_connection(struct run *run) {
    bool ghost = is_ghost(run);
    disconnect(run);
    if (ghost)
        clock_sleep_ms(GHOST_WAIT_MS);
    for (int64_t i = run->base; run->sent > 0 && i < run->next; i++) {
        struct slot *slot = slot_of(run, i);
        if (slot->state != SLOT_SENT)
            continue;
        slot->attempts -= ghost;
        if (slot->attempts < ATTEMPTS_MAX)
            set_state(run, slot, SLOT_WAITING);
        else
            finish_unavailable(run, slot, "the connection to the daemon was lost twice");
    }
}

static void send_waiting(struct run *run) {
    struct compile_request request = run->batch->request;
    for (int64_t i = run->base; run->waiting > 0 && i < run->next; i++) {
        struct slot *slot = slot_of(run, i);
        if (slot->state != SLOT_WAITING)
            continue;
        if (rpc_client_unsent(&run->client) > UNSENT_MAX)
            return;
        request.file = slot->file;
        cJSON *params = compile_request_encode(&request);
        run->params.len = 0;
        json_print(params, &run->params);
        cJSON_Delete(params);
        rpc_client_queue(&run->client, i, "compile", &run->params);
        slot->attempts++;
        set_state(run, slot, SLOT_SENT);
    }
}

/* Whether the error says that another daemon may do better. */
static bool is_retryable(struct json_span error) {
    struct json_span code = json_member(error.text, error.len, "code");
    if (code.text == NULL || atoi(code.text) != RPC_UNAVAILABLE)
        return false;
    struct json_span data = json_member(error.text, error.len, "data");
    if (data.text == NULL || *data.text != '{')
        return false;
    struct json_span retryable = json_member(data.text, data.len, "retryable");
    return retryable.text != NULL && *retryable.text == 't';
}

/* Returns -1 where the daemon complains about the conversation itself. */
static int take_answer(struct run *run, const struct rpc_answer *answer, char **why) {
    bool ours = answer->id >= run->base && answer->id < run->next &&
                slot_of(run, answer->id)->state == SLOT_SENT;
    if (!ours) {
        if (answer->id >= 0 || answer->error.text == NULL)
            return 0;
        *why = xasprintf("the daemon refuses a request: %.*s", (int)answer->error.len,
                         answer->error.text);
        return -1;
    }
    struct slot *slot = slot_of(run, answer->id);
    run->heard = true;
    if (answer->result.text != NULL) {
        finish(run, slot, answer->result, false);
    } else if (is_retryable(answer->error) && slot->attempts < ATTEMPTS_MAX) {
        set_state(run, slot, SLOT_WAITING);
        run->leaving = true;
    } else {
        finish(run, slot, answer->error, true);
    }
    return 0;
}

/* Reads and takes all answers that are there. */
static int receive(struct run *run, char **why) {
    struct rpc_answer answer;
    bool closed = rpc_client_read(&run->client) == RPC_STEP_CLOSED;
    for (;;) {
        enum rpc_step step = rpc_client_next(&run->client, &answer);
        if (step == RPC_STEP_BROKEN) {
            *why = xasprintf("what listens on %s does not speak JSON-RPC 2.0",
                             run->batch->socket_path);
            return -1;
        }
        if (step == RPC_STEP_WAIT)
            break;
        if (take_answer(run, &answer, why) < 0)
            return -1;
    }
    if (closed)
        lose_connection(run);
    return 0;
}

/* Waits for the socket and the names, whichever is wanted, and serves what is ready. */
static int wait_and_serve(struct run *run, char **why) {
    struct pollfd polled[2];
    nfds_t count = 0;
    int names_at = -1, socket_at = -1;
    if (run->connected) {
        socket_at = (int)count;
        short events = rpc_client_unsent(&run->client) > 0 ? POLLIN | POLLOUT : POLLIN;
        polled[count++] = (struct pollfd){run->client.fd, events, 0};
    }
    if (has_room(run) && run->batch->names->list == NULL) {
        names_at = (int)count;
        polled[count++] = (struct pollfd){run->batch->names->fd, POLLIN, 0};
    }
    if (poll(polled, count, progress_timeout(run->batch->progress)) < 0)
        return 0;
    if (socket_at >= 0 && polled[socket_at].revents != 0) {
        /* A failed write is the reader's to notice, behind the answers that came before it. */
        if (polled[socket_at].revents & POLLOUT)
            rpc_client_write(&run->client);
        if ((polled[socket_at].revents & ~POLLOUT) && receive(run, why) < 0)
            return -1;
    }
    if (names_at >= 0 && polled[names_at].revents != 0 && names_fill(run->batch->names) < 0) {
        *why = xasprintf("cannot read the names: %s", strerror(errno));
        return -1;
    }
    return 0;
}

/* Connects where there is something to send, and sends it. */
static int send_requests(struct run *run, char **why) {
    if (run->leaving && run->sent == 0)
        disconnect(run);
    if (run->waiting == 0 || run->leaving)
        return 0;
    if (!run->connected) {
        int fd = autostart_connect(run->batch->socket_path, AUTOSTART_DEFAULT, NULL, why);
        if (fd < 0)
            return -1;
        rpc_client_init(&run->client, fd);
        run->peer = connect_peer(fd);
        run->heard = false;
        run->connected = true;
    }
    send_waiting(run);
    rpc_client_write(&run->client);
    return 0;
}

static bool flush(const struct batch *batch) {
    return batch->flush == NULL || batch->flush(batch->context);
}

static void update_progress(struct run *run) {
    const char *current = run->base < run->next ? slot_of(run, run->base)->file : NULL;
    size_t done = (size_t)run->next - run->sent - run->waiting;
    progress_update(run->batch->progress, done, names_total(run->batch->names), current);
}

static int loop(struct run *run, char **why) {
    for (;;) {
        if (!deliver(run))
            return 0;
        take_names(run);
        if (run->base == run->next && run->names_ended)
            return 0;
        if (send_requests(run, why) < 0)
            return -1;
        if (!flush(run->batch))
            return 0;
        /* A name without a request (see add_slot()) is an answer already. */
        if (run->base < run->next && slot_of(run, run->base)->state == SLOT_DONE)
            continue;
        update_progress(run);
        if (wait_and_serve(run, why) < 0)
            return -1;
    }
}

int batch_run(const struct batch *batch, char **why) {
    struct run *run = xcalloc(1, sizeof *run);
    run->batch = batch;
    *why = NULL;
    int result = loop(run, why);
    disconnect(run);
    flush(batch);
    for (int64_t i = run->base; i < run->next; i++) {
        free(slot_of(run, i)->file);
        free(slot_of(run, i)->answer);
    }
    buffer_deinit(&run->params);
    free(run);
    return result;
}
