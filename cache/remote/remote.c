/* Lookups and stores as requests to two lanes; sealing; the decision when the server is left alone. */
#include "cache/remote/remote.h"

#include "base/clock.h"
#include "cache/remote/lane.h"
#include "cache/remote/seal.h"

/* The most bytes that wait to be stored, and to be asked; further requests are dropped. */
#define STORE_BYTES_MAX ((size_t)64 << 20)
#define ASK_BYTES_MAX ((size_t)1 << 20)

/* The time limit for storing one batch. No compile waits for it. */
#define STORE_MS 10000

/* A larger entry is not stored. */
#define ENTRY_MAX (TRANSPORT_VALUE_MAX / 2)

struct remote {
    struct remote_setting setting;
    struct remote_keys keys;
    struct remote_lane *asks, *stores;
};

struct remote *remote_new(const struct remote_setting *setting) {
    struct remote *remote = xcalloc(1, sizeof *remote);
    struct remote_lane_setting lane = {
        .address = setting->address,
        .state = setting->state,
        .connect_ms = setting->timeout_ms,
        .answer_ms = setting->timeout_ms,
        .bytes_max = ASK_BYTES_MAX,
        .values_max = TRANSPORT_VALUE_MAX,
    };
    remote->setting = *setting;
    remote->setting.secret = NULL;
    remote_seal_derive(setting->secret, &remote->keys);
    remote->asks = remote_lane_new(&lane);
    lane.answer_ms = STORE_MS;
    lane.bytes_max = STORE_BYTES_MAX;
    remote->stores = remote_lane_new(&lane);
    return remote;
}

static struct remote_request *remote_make_request(const struct remote *remote, const struct store_key *key) {
    struct remote_request *request = remote_request_new();
    remote_seal_name(&remote->keys, key, request->name);
    return request;
}

/* Asks whether the server is back. No compile waits for the answer. */
static void remote_probe(struct remote *remote, const struct store_key *key) {
    struct remote_request *request = remote_make_request(remote, key);
    request->abandoned = request->probe = true;
    (void)remote_lane_add(remote->asks, request); /* a probe that cannot be sent is sent later again */
}

struct remote_ticket remote_ask(struct remote *remote, const struct store_key *key) {
    struct remote_state *state = remote->setting.state;
    struct remote_ticket ticket = {.asked_ms = clock_ms()};
    if (remote_state_is_away(state)) {
        if (remote_state_may_try(state))
            remote_probe(remote, key);
        return ticket;
    }
    struct remote_request *request = remote_make_request(remote, key);
    if (remote_lane_add(remote->asks, request) == 0)
        ticket.request = request;
    else
        state->counts.misses++;
    return ticket;
}

bool remote_is_waiting(const struct remote *remote, const struct remote_ticket *ticket) {
    return ticket->request != NULL && !remote_state_is_away(remote->setting.state) &&
           !remote_lane_is_done(remote->asks, ticket->request);
}

/* Whether the server is worth the time from `start_us` to now, in which a lookup has waited. The first exchange is not
 * judged: its time is that of loading a library, of name lookups and of handshakes. */
static bool remote_is_worth(struct remote *remote, int64_t start_us) {
    int64_t warm_us = remote_lane_warm_us(remote->asks), now_us = clock_us();
    if (warm_us == 0)
        return true;
    if (start_us < warm_us)
        start_us = warm_us;
    return remote_state_waited(remote->setting.state, start_us < now_us ? start_us : now_us, now_us);
}

/* Waits for the answer. Whether it has come in time; else the request is no longer ours. */
static bool remote_wait(struct remote *remote, const struct remote_ticket *ticket) {
    int64_t start_us = clock_us();
    if (!remote_lane_wait(remote->asks, ticket->request, ticket->asked_ms + remote->setting.timeout_ms)) {
        remote_lane_leave_alone(remote->asks, "no answer in time");
        return false;
    }
    if (!remote_is_worth(remote, start_us))
        remote_lane_leave_alone(remote->asks, "it is slower than compiling");
    return true;
}

/* Whether the request has found an entry that was sealed for the key; if so, appends it. */
static bool remote_open_answer(struct remote *remote, const struct store_key *key, const struct remote_request *request,
                               struct buffer *entry) {
    if (!request->found)
        return false;
    bool fine = remote_unseal(&remote->keys, key, request->value.data, request->value.len, entry);
    if (!fine)
        remote->setting.state->counts.refused++;
    return fine;
}

bool remote_take(struct remote *remote, const struct store_key *key, struct remote_ticket *ticket,
                 struct buffer *entry) {
    struct remote_counts *counts = &remote->setting.state->counts;
    struct remote_request *request = ticket->request;
    bool hit = false;
    if (request == NULL)
        return false;
    if (remote_state_is_away(remote->setting.state) && !remote_lane_is_answered(remote->asks, request)) {
        remote_forget(remote, ticket); /* another lookup has waited in vain */
        return false;
    }
    if (remote_wait(remote, ticket)) {
        hit = remote_open_answer(remote, key, request, entry);
        remote_lane_free(remote->asks, request);
    }
    ticket->request = NULL;
    if (hit)
        counts->hits++;
    else
        counts->misses++;
    return hit;
}

void remote_forget(struct remote *remote, struct remote_ticket *ticket) {
    if (ticket->request != NULL && remote_lane_wait(remote->asks, ticket->request, 0))
        remote_lane_free(remote->asks, ticket->request);
    ticket->request = NULL;
}

void remote_put(struct remote *remote, const struct store_key *key, const void *entry, size_t len) {
    struct remote_state *state = remote->setting.state;
    if (remote->setting.read_only || remote->setting.address->read_only)
        return;
    if (remote_state_is_away(state) || len > ENTRY_MAX) {
        state->counts.dropped++;
        return;
    }
    struct remote_request *request = remote_make_request(remote, key);
    request->set = true;
    remote_seal(&remote->keys, key, entry, len, &request->value);
    if (remote_lane_add(remote->stores, request) < 0)
        state->counts.dropped++;
}

void remote_drain(struct remote *remote, unsigned ms) {
    remote_lane_drain(remote->stores, clock_ms() + ms);
}
