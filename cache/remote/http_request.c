/* Options of libcurl that stay are set once for each handle. */
#include "cache/remote/http_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STATUS_OK 200
#define STATUS_NOT_FOUND 404
#define STATUS_GONE 410

static long request_status(const struct http_request *request) {
    long status = 0;
    request->curl->easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool request_is_value(const struct http_request *request) {
    return !request->item->put && request_status(request) == STATUS_OK;
}

static size_t request_on_body(char *data, size_t size, size_t count, void *context) {
    struct http_request *request = context;
    bool is_value = request_is_value(request);
    size_t len = size * count;
    if (*request->body_bytes + len > TRANSPORT_VALUE_MAX || (!is_value && request->body.len + len > HTTP_OTHER_MAX)) {
        request->refusal = "an answer is too long";
        return 0; /* ends the transfer */
    }
    buffer_append(&request->body, data, len);
    *request->body_bytes += len;
    return len;
}

static size_t request_on_header(char *data, size_t size, size_t count, void *context) {
    struct http_request *request = context;
    request->header_bytes += size * count;
    if (request->header_bytes <= HTTP_HEADER_MAX)
        return size * count;
    request->refusal = "a header is too long";
    return 0;
}

static size_t request_on_read(char *data, size_t size, size_t count, void *context) {
    struct http_request *request = context;
    size_t left = request->item->len - request->sent, len = size * count < left ? size * count : left;
    memcpy(data, request->item->value + request->sent, len);
    request->sent += len;
    return len;
}

/* The value is sent again after a redirect, and where a connection was closed before it was used. */
static int request_on_seek(void *context, curl_off_t offset, int origin) {
    struct http_request *request = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > request->item->len)
        return CURL_SEEKFUNC_FAIL;
    request->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void request_set_text(struct http_request *request, CURLoption option, const char *value) {
    if (value != NULL)
        request->curl->easy_setopt(request->easy, option, value);
}

static void request_set_protocols(struct http_request *request, const struct http_place *place) {
#if LIBCURL_VERSION_NUM >= 0x075500
    request_set_text(request, CURLOPT_PROTOCOLS_STR, "http,https");
    request_set_text(request, CURLOPT_REDIR_PROTOCOLS_STR, place->tls ? "https" : "http,https");
#else
    request->curl->easy_setopt(request->easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    request->curl->easy_setopt(request->easy, CURLOPT_REDIR_PROTOCOLS,
                               (long)(CURLPROTO_HTTPS | (place->tls ? 0 : CURLPROTO_HTTP)));
#endif
}

static void request_set_identity(struct http_request *request, const struct http_place *place) {
    const struct curl_library *curl = request->curl;
    request_set_text(request, CURLOPT_USERNAME, place->user);
    request_set_text(request, CURLOPT_PASSWORD, place->password);
    if (place->bearer_token != NULL) {
        curl->easy_setopt(request->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        request_set_text(request, CURLOPT_XOAUTH2_BEARER, place->bearer_token);
    }
    if (place->netrc_file != NULL) {
        curl->easy_setopt(request->easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
        request_set_text(request, CURLOPT_NETRC_FILE, place->netrc_file);
    }
    request_set_text(request, CURLOPT_CAINFO, place->ca_file);
    request_set_text(request, CURLOPT_SSLCERT, place->client_cert);
    request_set_text(request, CURLOPT_SSLKEY, place->client_key);
    request_set_text(request, CURLOPT_PROXY, place->proxy);
}

static void request_set_callbacks(struct http_request *request) {
    const struct curl_library *curl = request->curl;
    curl->easy_setopt(request->easy, CURLOPT_ERRORBUFFER, request->error);
    curl->easy_setopt(request->easy, CURLOPT_PRIVATE, request);
    curl->easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, request_on_body);
    curl->easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
    curl->easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, request_on_header);
    curl->easy_setopt(request->easy, CURLOPT_HEADERDATA, request);
    curl->easy_setopt(request->easy, CURLOPT_READFUNCTION, request_on_read);
    curl->easy_setopt(request->easy, CURLOPT_READDATA, request);
    curl->easy_setopt(request->easy, CURLOPT_SEEKFUNCTION, request_on_seek);
    curl->easy_setopt(request->easy, CURLOPT_SEEKDATA, request);
}

/* "Expect:" saves the round trip in which a server would be asked whether it takes a value. */
static void request_set_headers(struct http_request *request, const struct http_place *place) {
    request->headers = request->curl->slist_append(NULL, "Expect:");
    for (size_t i = 0; request->headers != NULL && i < place->header_count; i++)
        request->headers = request->curl->slist_append(request->headers, place->headers[i]);
    request->curl->easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

int http_request_init(struct http_request *request, const struct curl_library *curl, const struct http_place *place,
                      unsigned connect_ms, size_t *body_bytes) {
    *request = (struct http_request){.curl = curl, .easy = curl->easy_init(), .body_bytes = body_bytes};
    if (request->easy == NULL)
        return -ENOMEM;
    curl->easy_setopt(request->easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(request->easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl->easy_setopt(request->easy, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAX);
    curl->easy_setopt(request->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl->easy_setopt(request->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl->easy_setopt(request->easy, CURLOPT_PIPEWAIT, place->tls ? 1L : 0L); /* HTTP/2 may share a connection */
    curl->easy_setopt(request->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl->easy_setopt(request->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)TRANSPORT_VALUE_MAX);
    curl->easy_setopt(request->easy, CURLOPT_USERAGENT, "pycompiled/" PYCOMPILED_VERSION);
    request_set_protocols(request, place);
    request_set_identity(request, place);
    request_set_callbacks(request);
    request_set_headers(request, place);
    return 0;
}

void http_request_deinit(struct http_request *request) {
    request->curl->easy_cleanup(request->easy);
    request->curl->slist_free_all(request->headers);
    buffer_deinit(&request->body);
}

void http_request_drop_body(struct http_request *request) {
    *request->body_bytes -= request->body.len;
    buffer_deinit(&request->body);
}

void http_request_begin(struct http_request *request, const struct http_place *place, const struct transport_item *item,
                        size_t number, unsigned left_ms) {
    const struct curl_library *curl = request->curl;
    struct buffer url = {0};
    request->item = item;
    request->number = number;
    request->sent = request->header_bytes = 0;
    http_request_drop_body(request);
    request->refusal = NULL;
    request->error[0] = '\0';
    http_place_url(place, item->name, &url);
    curl->easy_setopt(request->easy, CURLOPT_URL, buffer_string(&url));
    curl->easy_setopt(request->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl->easy_setopt(request->easy, item->put ? CURLOPT_UPLOAD : CURLOPT_HTTPGET, 1L);
    if (item->put)
        curl->easy_setopt(request->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)item->len);
    buffer_deinit(&url);
}

const char *http_request_why(const struct http_request *request, CURLcode code) {
    if (request->refusal != NULL)
        return request->refusal;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return "no answer in time";
    if (code == CURLE_FILESIZE_EXCEEDED)
        return "an answer is too long";
    return request->error[0] != '\0' ? request->error : request->curl->easy_strerror(code);
}

int http_request_answer(struct http_request *request, CURLcode code, struct transport_answer *answer) {
    if (code != CURLE_OK)
        return -EIO;
    long status = request_status(request);
    *answer = (struct transport_answer){.outcome = TRANSPORT_REFUSED, .data = request->error};
    if (request->item->put && status >= 200 && status < 300) {
        answer->outcome = TRANSPORT_DONE;
    } else if (request_is_value(request)) {
        *answer = (struct transport_answer){TRANSPORT_VALUE, request->body.data, request->body.len};
    } else if (!request->item->put && (status == STATUS_NOT_FOUND || status == STATUS_GONE)) {
        answer->outcome = TRANSPORT_NONE;
    } else {
        answer->len = (size_t)snprintf(request->error, sizeof request->error, "HTTP status %ld", status);
    }
    return 0;
}
