/* One request to a web server: a GET or a PUT of one entry, on an easy handle of libcurl that serves one request after
 * another. All that the server sends is bounded: the header, the body, the number of redirects, the time. */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "cache/remote/curl_library.h"
#include "cache/remote/http_place.h"
#include "cache/remote/transport.h"

/* The most bytes of a header, of a body that is no value, and the most redirects. */
#define HTTP_HEADER_MAX ((size_t)64 << 10)
#define HTTP_OTHER_MAX ((size_t)64 << 10)
#define HTTP_REDIRECTS_MAX 3

struct http_request {
    const struct curl_library *curl;
    CURL *easy;
    struct curl_slist *headers;
    const struct transport_item *item; /* NULL: the handle is free */
    size_t number;                     /* of the item in its exchange */
    size_t sent, header_bytes;
    struct buffer body;
    size_t *body_bytes;  /* of all requests of the transport */
    const char *refusal; /* why the transfer was ended from here, or NULL */
    char error[CURL_ERROR_SIZE];
};

/* Makes the handle. Borrows `body_bytes`, the sum of the bytes of bodies that all requests hold, which is bounded like
 * one value. Returns 0 or -ENOMEM. */
int http_request_init(struct http_request *request, const struct curl_library *curl, const struct http_place *place,
                      unsigned connect_ms, size_t *body_bytes);
void http_request_deinit(struct http_request *request);

/* Prepares the handle for an item, which stays the caller's. */
void http_request_begin(struct http_request *request, const struct http_place *place, const struct transport_item *item,
                        size_t number, unsigned left_ms);

/* Frees the body of the answer. */
void http_request_drop_body(struct http_request *request);

/* The answer to a request whose transfer has ended with the code. It is valid until the body is dropped. Returns 0, or
 * -EIO: there is none, and http_request_why() has the reason. */
int http_request_answer(struct http_request *request, CURLcode code, struct transport_answer *answer);
const char *http_request_why(const struct http_request *request, CURLcode code);
