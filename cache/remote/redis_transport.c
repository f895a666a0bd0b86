/* Requests and replies go by cache/remote/redis_link.h; replies come in the order of the requests. */
#include "cache/remote/redis_transport.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "cache/remote/redis_link.h"

struct redis_transport {
    struct transport base;
    struct redis_link *link;
};

static struct redis_link *redis_transport_link(const struct transport *transport) {
    return ((const struct redis_transport *)transport)->link;
}

static const char *const redis_transport_schemes[] = {"redis://",   "rediss://", "valkey://",
                                                      "valkeys://", "unix://",   NULL};

static void *redis_transport_parse(const struct spec *spec, char **shown, char **why) {
    if (spec->count > 0) {
        *why = xstrdup("not a remote cache's URL: a Redis server has no setting but read-only");
        return NULL;
    }
    struct redis_url *url = xcalloc(1, sizeof *url);
    if (redis_url_parse(spec->url, url, why) < 0) {
        free(url);
        return NULL;
    }
    *shown = redis_url_show(url);
    return url;
}

static void redis_transport_forget(void *place) {
    redis_url_deinit(place);
    free(place);
}

static const char *redis_transport_missing(const void *place) {
    const struct redis_url *url = place;
    if (redis_link_is_supported(url->tls))
        return NULL;
    return redis_link_is_supported(false) ? "pycompiled was built without TLS for a remote cache (hiredis_ssl, OpenSSL)"
                                          : "pycompiled was built without a remote cache (hiredis)";
}

static struct transport *redis_transport_open(const void *place, int64_t deadline_ms, char **why) {
    struct redis_link *link = redis_link_open(place, deadline_ms, why);
    if (link == NULL)
        return NULL;
    struct redis_transport *transport = xcalloc(1, sizeof *transport);
    transport->base.kind = &redis_transport;
    transport->link = link;
    return &transport->base;
}

/* Reports a reply. Whether the connection is of use. */
static bool redis_transport_report(const struct redis_link_reply *reply, size_t item, transport_answered *answered,
                                   void *context) {
    static const enum transport_outcome outcomes[] = {
        [REDIS_LINK_VALUE] = TRANSPORT_VALUE,
        [REDIS_LINK_NONE] = TRANSPORT_NONE,
        [REDIS_LINK_DONE] = TRANSPORT_DONE,
        [REDIS_LINK_REFUSED] = TRANSPORT_REFUSED,
    };
    if (reply->answer == REDIS_LINK_BROKEN)
        return false;
    answered(context, item,
             &(struct transport_answer){.outcome = outcomes[reply->answer], .data = reply->data, .len = reply->len});
    return true;
}

static int redis_transport_exchange(struct transport *transport, const struct transport_item *items, size_t count,
                                    int64_t deadline_ms, transport_answered *answered, void *context) {
    struct redis_link *link = redis_transport_link(transport);
    for (size_t i = 0; i < count; i++) {
        if (items[i].put)
            redis_link_set(link, items[i].name, items[i].value, items[i].len);
        else
            redis_link_get(link, items[i].name);
    }
    bool fine = redis_link_send(link, deadline_ms) == 0;
    for (size_t i = 0; fine && i < count; i++) {
        struct redis_link_reply reply;
        redis_link_receive(link, items[i].put, deadline_ms, &reply);
        fine = redis_transport_report(&reply, i, answered, context);
        redis_link_reply_free(&reply);
    }
    return fine ? 0 : -EIO;
}

static const char *redis_transport_why(const struct transport *transport) {
    return redis_link_why(redis_transport_link(transport));
}

static void redis_transport_close(struct transport *transport) {
    redis_link_close(redis_transport_link(transport));
    free(transport);
}

const struct transport_kind redis_transport = {
    .schemes = redis_transport_schemes,
    .parse = redis_transport_parse,
    .forget = redis_transport_forget,
    .missing = redis_transport_missing,
    .open = redis_transport_open,
    .exchange = redis_transport_exchange,
    .why = redis_transport_why,
    .close = redis_transport_close,
};
