/* Options of libcurl that stay are set once for each handle. */
#include "cache/remote/http_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STATUS_OK 200
#define STATUS_SEE_OTHER 303
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

static size_t request_refuse(struct http_request *request, const char *why) {
    request->refusal = why;
    return 0; /* ends the transfer */
}

static size_t request_on_body(char *data, size_t size, size_t count, void *context) {
    struct http_request *request = context;
    size_t len = size * count;
    if (request->body.len + len > (request_is_value(request) ? TRANSPORT_VALUE_MAX : HTTP_OTHER_MAX))
        return request_refuse(request, "an answer is too long");
    request->crowded = *request->body_bytes + len > HTTP_BODIES_MAX;
    if (request->crowded)
        return request_refuse(request, "too many long answers at once");
    buffer_append(&request->body, data, len);
    *request->body_bytes += len;
    return len;
}

/* After status 303, libcurl would make a lookup of a store, whose success would say nothing about the store. */
static size_t request_on_header(char *data, size_t size, size_t count, void *context) {
    struct http_request *request = context;
    request->header_bytes += size * count;
    if (request->header_bytes > HTTP_HEADER_MAX)
        return request_refuse(request, "a header is too long");
    if (request->item->put && request_status(request) == STATUS_SEE_OTHER)
        return request_refuse(request, "HTTP status 303");
    return size * count;
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

/* Notes that an option without which no request may be made was not taken. */
static void request_need(struct http_request *request, CURLcode code) {
    if (request->unset == CURLE_OK)
        request->unset = code;
}

static void request_set_text(struct http_request *request, CURLoption option, const char *value) {
    if (value != NULL)
        request_need(request, request->curl->easy_setopt(request->easy, option, value));
}

static void request_set_long(struct http_request *request, CURLoption option, long value) {
    request_need(request, request->curl->easy_setopt(request->easy, option, value));
}

/* The libcurl that is loaded may be older than its headers, and know only the options that are numbers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void request_set_protocols(struct http_request *request, const struct http_place *place) {
    const long both = CURLPROTO_HTTP | CURLPROTO_HTTPS, redirects = place->tls ? CURLPROTO_HTTPS : both;
#if LIBCURL_VERSION_NUM >= 0x075500
    const struct curl_library *curl = request->curl;
    const char *redirect_names = place->tls ? "https" : "http,https";
    if (curl->easy_setopt(request->easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl->easy_setopt(request->easy, CURLOPT_REDIR_PROTOCOLS_STR, redirect_names) == CURLE_OK)
        return;
#endif
    request_set_long(request, CURLOPT_PROTOCOLS, both);
    request_set_long(request, CURLOPT_REDIR_PROTOCOLS, redirects);
}
#pragma GCC diagnostic pop

static void request_set_identity(struct http_request *request, const struct http_place *place) {
    request_set_text(request, CURLOPT_USERNAME, place->user);
    request_set_text(request, CURLOPT_PASSWORD, place->password);
    if (place->bearer_token != NULL) {
        request_set_long(request, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        request_set_text(request, CURLOPT_XOAUTH2_BEARER, place->bearer_token);
    }
    if (place->netrc_file != NULL) {
        request_set_long(request, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
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
    request_set_long(request, CURLOPT_FOLLOWLOCATION, place->header_count == 0 ? 1L : 0L);
    request_set_long(request, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAX);
    request_set_long(request, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl->easy_setopt(request->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl->easy_setopt(request->easy, CURLOPT_PIPEWAIT, place->tls ? 1L : 0L); /* HTTP/2 may share a connection */
    curl->easy_setopt(request->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl->easy_setopt(request->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)TRANSPORT_VALUE_MAX);
    curl->easy_setopt(request->easy, CURLOPT_USERAGENT, "pycompiled/" PYCOMPILED_VERSION);
    request_set_protocols(request, place);
    request_set_identity(request, place);
    request_set_callbacks(request);
    request_set_headers(request, place);
    if (request->unset == CURLE_OK)
        return 0;
    http_request_deinit(request);
    return request->unset == CURLE_OUT_OF_MEMORY ? -ENOMEM : -ENOTSUP;
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
    request->redirects = 0;
    http_request_drop_body(request);
    request->refusal = NULL;
    request->crowded = false;
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

/* Whether a URL, which libcurl has made whole, has the scheme, host and port of the place. A port that is left out is
 * not the same as one that is given. */
static bool request_is_same_server(const struct http_place *place, const char *url) {
    const char *host = strstr(place->url, "://") + 3;
    size_t len = (size_t)(host - place->url) + strcspn(host, "/") + 1; /* with the slash, which ends the port */
    return strncasecmp(place->url, url, len) == 0;
}

/* NULL: the redirect may be followed. */
static const char *request_judge_redirect(const struct http_request *request, const struct http_place *place,
                                          const char *url) {
    if (request->redirects == HTTP_REDIRECTS_MAX)
        return "too many redirects";
    return request_is_same_server(place, url) ? NULL : "a redirect to another server, which must not get the headers";
}

bool http_request_follow(struct http_request *request, const struct http_place *place, CURLcode code,
                         unsigned left_ms) {
    const struct curl_library *curl = request->curl;
    const char *url = NULL;
    if (place->header_count == 0 || code != CURLE_OK ||
        curl->easy_getinfo(request->easy, CURLINFO_REDIRECT_URL, &url) != CURLE_OK || url == NULL)
        return false;
    request->refusal = request_judge_redirect(request, place, url);
    if (request->refusal != NULL)
        return false;
    request->redirects++;
    request->sent = 0;
    http_request_drop_body(request);
    curl->easy_setopt(request->easy, CURLOPT_URL, url);
    curl->easy_setopt(request->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    return true;
}

/* Whether the code says that a server cannot be reached or trusted, or is slow. */
static bool request_code_is_of_server(CURLcode code) {
    static const CURLcode codes[] = {
        CURLE_COULDNT_RESOLVE_PROXY,
        CURLE_COULDNT_RESOLVE_HOST,
        CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,
        CURLE_SSL_CONNECT_ERROR,
        CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE,
        CURLE_SSL_CRL_BADFILE,
        CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_ENGINE_NOTFOUND,
        CURLE_SSL_ENGINE_SETFAILED,
        CURLE_SSL_ENGINE_INITFAILED,
        CURLE_SSL_PINNEDPUBKEYNOTMATCH,
        CURLE_SSL_INVALIDCERTSTATUS,
        CURLE_OUT_OF_MEMORY,
        CURLE_FAILED_INIT,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* A server that one entry is redirected to says nothing about the other entries. */
static bool request_is_redirected(const struct http_request *request) {
    long count = 0;
    request->curl->easy_getinfo(request->easy, CURLINFO_REDIRECT_COUNT, &count);
    return count > 0;
}

static void request_answer_failure(const struct http_request *request, CURLcode code, struct transport_answer *answer) {
    const char *why = http_request_why(request, code);
    bool is_miss = request->crowded && !request->item->put;
    *answer = (struct transport_answer){is_miss ? TRANSPORT_NONE : TRANSPORT_REFUSED, why, strlen(why)};
}

static void request_answer_status(struct http_request *request, struct transport_answer *answer) {
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
}

int http_request_answer(struct http_request *request, CURLcode code, struct transport_answer *answer) {
    if (request_code_is_of_server(code) && !request_is_redirected(request))
        return -EIO;
    if (code != CURLE_OK || request->refusal != NULL)
        request_answer_failure(request, code, answer);
    else
        request_answer_status(request, answer);
    return 0;
}
