/* One request to a web server: a GET or a PUT of one entry, on an easy handle of libcurl that serves one request after
 * another. All that the server sends is bounded: the header, the body, the number of redirects, the time.
 *
 * The headers of the settings may be secrets, and libcurl sends them to every server that a redirect names. Where there
 * are any, only redirects to the same scheme, host and port are followed, by http_request_follow(). Where there are
 * none, libcurl follows redirects; it keeps user, password and token from other hosts. */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "cache/remote/curl_library.h"
#include "cache/remote/http_place.h"
#include "cache/remote/transport.h"

/* The most bytes of a header, of a body that is no value, of all bodies that a transport holds at once, and the most
 * redirects. */
#define HTTP_HEADER_MAX ((size_t)64 << 10)
#define HTTP_OTHER_MAX ((size_t)64 << 10)
#define HTTP_BODIES_MAX TRANSPORT_VALUE_MAX
#define HTTP_REDIRECTS_MAX 3

struct http_request {
    const struct curl_library *curl;
    CURL *easy;
    struct curl_slist *headers;
    const struct transport_item *item; /* NULL: the handle is free */
    size_t number;                     /* of the item in its exchange */
    size_t sent, header_bytes;
    unsigned redirects; /* followed by http_request_follow() */
    struct buffer body;
    size_t *body_bytes;  /* of all requests of the transport */
    const char *refusal; /* why the answer is not taken, or NULL */
    bool crowded;        /* the answer is not taken because the other bodies leave no room */
    CURLcode unset;      /* of the first option that libcurl did not take, or CURLE_OK */
    char error[CURL_ERROR_SIZE];
};

/* Makes the handle. Borrows `body_bytes`, the sum of the bytes of bodies that all requests hold. Returns 0, -ENOMEM, or
 * -ENOTSUP: libcurl does not take an option that protects the exchange. On failure there is nothing to deinit. */
int http_request_init(struct http_request *request, const struct curl_library *curl, const struct http_place *place,
                      unsigned connect_ms, size_t *body_bytes);
void http_request_deinit(struct http_request *request);

/* Prepares the handle for an item, which stays the caller's. */
void http_request_begin(struct http_request *request, const struct http_place *place, const struct transport_item *item,
                        size_t number, unsigned left_ms);

/* Frees the body of the answer. */
void http_request_drop_body(struct http_request *request);

/* Whether the transfer, which has ended with the code, was answered by a redirect that is to be followed; if so, the
 * handle is prepared for the next transfer. */
bool http_request_follow(struct http_request *request, const struct http_place *place, CURLcode code, unsigned left_ms);

/* The answer to a request whose transfer has ended with the code. It is valid until the body is dropped. A transfer
 * that fails is answered by TRANSPORT_REFUSED; by TRANSPORT_NONE where a lookup fails because the other bodies leave no
 * room. Returns 0, or -EIO: the server cannot be reached, or does not answer in time, and http_request_why() has the
 * reason.
 */
int http_request_answer(struct http_request *request, CURLcode code, struct transport_answer *answer);
const char *http_request_why(const struct http_request *request, CURLcode code);
