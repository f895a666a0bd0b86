/* The requests of an exchange run at once, on as many handles. libcurl keeps the connections, and puts the requests
 * onto one of them where the server speaks HTTP/2. */
#include "cache/remote/http_transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "cache/remote/curl_library.h"
#include "cache/remote/http_place.h"
#include "cache/remote/http_request.h"

/* The most requests at once, and connections. */
#define REQUESTS_MAX 64
#define CONNECTIONS_MAX 16L

struct http_transport {
    struct transport base;
    const struct curl_library *curl;
    const struct http_place *place;
    unsigned connect_ms;
    CURLM *multi;
    struct http_request requests[REQUESTS_MAX]; /* the first `made` have a handle */
    size_t made, busy, body_bytes;
    char why[CURL_ERROR_SIZE];
};

/* One call of exchange(). */
struct http_exchange {
    struct http_transport *http;
    const struct transport_item *items;
    size_t count, begun;
    int64_t deadline_ms;
    transport_answered *answered;
    void *context;
};

static const char *const http_transport_schemes[] = {"http://", "https://", NULL};

static void *http_transport_parse(const struct spec *spec, char **shown, char **why) {
    return http_place_parse(spec, shown, why);
}

static void http_transport_forget(void *place) {
    http_place_free(place);
}

static const char *http_transport_missing(const void *place) {
    return curl_library_is_there()
               ? NULL
               : "this machine has no libcurl (libcurl.so.4) that fits, which a remote cache on a web server needs: "
                 "install libcurl4t64 or libcurl4 (Debian, Ubuntu) or libcurl (Fedora)";
}

static unsigned http_left_ms(int64_t deadline_ms) {
    int64_t left = deadline_ms - clock_ms();
    return left > 1 ? (unsigned)left : 1;
}

static struct transport *http_transport_open(const void *place, int64_t deadline_ms, char **why) {
    const struct curl_library *curl = curl_library();
    CURLM *multi = curl != NULL ? curl->multi_init() : NULL;
    if (multi == NULL) {
        *why = xstrdup(curl != NULL ? "out of memory" : "this machine has no libcurl (libcurl.so.4) that fits");
        return NULL;
    }
    struct http_transport *http = xcalloc(1, sizeof *http);
    http->base.kind = &http_transport;
    http->curl = curl;
    http->place = place;
    http->connect_ms = http_left_ms(deadline_ms);
    http->multi = multi;
    curl->multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX);
    curl->multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
    return &http->base;
}

static int http_fail(struct http_transport *http, const char *why) {
    snprintf(http->why, sizeof http->why, "%s", why);
    return -EIO;
}

/* Makes a handle. NULL: it cannot be made, for the reason in http->why. */
static struct http_request *http_make_request(struct http_transport *http) {
    struct http_request *request = &http->requests[http->made];
    int status = http_request_init(request, http->curl, http->place, http->connect_ms, &http->body_bytes);
    if (status < 0) {
        http_fail(http, status == -ENOTSUP ? "this machine's libcurl lacks an option that protects the exchange"
                                           : "out of memory");
        return NULL;
    }
    http->made++;
    return request;
}

/* A handle that is not in use; makes one if need be. NULL: there is none. */
static struct http_request *http_find_request(struct http_transport *http) {
    for (size_t i = 0; i < http->made; i++)
        if (http->requests[i].item == NULL)
            return &http->requests[i];
    return http->made < REQUESTS_MAX ? http_make_request(http) : NULL;
}

static void http_release(struct http_transport *http, struct http_request *request) {
    http->curl->multi_remove_handle(http->multi, request->easy);
    http_request_drop_body(request);
    request->item = NULL;
    http->busy--;
}

/* Begins as many requests as fit. Returns 0, or -EIO where none is under way. */
static int http_fill(struct http_exchange *exchange) {
    struct http_transport *http = exchange->http;
    struct http_request *request;
    while (exchange->begun < exchange->count && (request = http_find_request(http)) != NULL) {
        http_request_begin(request, http->place, &exchange->items[exchange->begun], exchange->begun,
                           http_left_ms(exchange->deadline_ms));
        exchange->begun++;
        http->busy++;
        if (http->curl->multi_add_handle(http->multi, request->easy) != CURLM_OK)
            return http_fail(http, "out of memory");
    }
    return http->busy > 0 ? 0 : -EIO;
}

/* Starts the transfer of a request that follows a redirect. */
static int http_go_on(struct http_transport *http, struct http_request *request) {
    http->curl->multi_remove_handle(http->multi, request->easy);
    return http->curl->multi_add_handle(http->multi, request->easy) == CURLM_OK ? 0 : http_fail(http, "out of memory");
}

/* Reports the answer to the request, whose transfer has ended. */
static int http_finish(struct http_exchange *exchange, struct http_request *request, CURLcode code) {
    struct transport_answer answer;
    if (http_request_follow(request, exchange->http->place, code, http_left_ms(exchange->deadline_ms)))
        return http_go_on(exchange->http, request);
    if (http_request_answer(request, code, &answer) < 0)
        return http_fail(exchange->http, http_request_why(request, code));
    exchange->answered(exchange->context, request->number, &answer);
    http_release(exchange->http, request);
    return 0;
}

static int http_take_answers(struct http_exchange *exchange) {
    const struct curl_library *curl = exchange->http->curl;
    CURLMsg *message;
    int left, status = 0;
    while (status == 0 && (message = curl->multi_info_read(exchange->http->multi, &left)) != NULL) {
        struct http_request *request = NULL;
        curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        if (message->msg == CURLMSG_DONE)
            status = http_finish(exchange, request, message->data.result);
    }
    return status;
}

/* Waits for the server, unless a handle has become free for an item that waits. */
static int http_step(struct http_exchange *exchange) {
    struct http_transport *http = exchange->http;
    int running, status = http_fill(exchange);
    size_t busy = http->busy;
    if (status == 0 && http->curl->multi_perform(http->multi, &running) != CURLM_OK)
        status = http_fail(http, "libcurl fails");
    if (status == 0)
        status = http_take_answers(exchange);
    if (status < 0 || http->busy == 0 || (exchange->begun < exchange->count && http->busy < busy))
        return status;
    if (clock_ms() >= exchange->deadline_ms)
        return http_fail(http, "no answer in time");
    http->curl->multi_poll(http->multi, NULL, 0, (int)http_left_ms(exchange->deadline_ms), NULL);
    return 0;
}

static int http_transport_exchange(struct transport *transport, const struct transport_item *items, size_t count,
                                   int64_t deadline_ms, transport_answered *answered, void *context) {
    struct http_transport *http = (struct http_transport *)transport;
    struct http_exchange exchange = {http, items, count, 0, deadline_ms, answered, context};
    int status = 0;
    while (status == 0 && (exchange.begun < count || http->busy > 0))
        status = http_step(&exchange);
    for (size_t i = 0; i < http->made; i++)
        if (http->requests[i].item != NULL)
            http_release(http, &http->requests[i]);
    return status;
}

static const char *http_transport_why(const struct transport *transport) {
    return ((const struct http_transport *)transport)->why;
}

static void http_transport_close(struct transport *transport) {
    struct http_transport *http = (struct http_transport *)transport;
    for (size_t i = 0; i < http->made; i++)
        http_request_deinit(&http->requests[i]);
    http->curl->multi_cleanup(http->multi);
    free(http);
}

const struct transport_kind http_transport = {
    .schemes = http_transport_schemes,
    .parse = http_transport_parse,
    .forget = http_transport_forget,
    .missing = http_transport_missing,
    .open = http_transport_open,
    .exchange = http_transport_exchange,
    .why = http_transport_why,
    .close = http_transport_close,
};
