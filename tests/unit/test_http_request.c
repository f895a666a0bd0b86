/* Unit tests of cache/remote/http_request and cache/remote/http_transport on a libcurl of the test
 * (--wrap=curl_library) that makes no connections. tests/test_remote_http.py has the real libcurl, and servers. */
#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "cache/remote/http_request.h"
#include "cache/remote/http_transport.h"

#define MIB ((size_t)1 << 20)
#define ROUNDS_MAX 100

/* What stands for an easy handle. */
struct fake_easy {
    long numbers[512]; /* by option */
    bool set[512];
    char *url;
    char *redirect_url; /* of the answer at hand, or NULL */
    long status, redirects;
    struct http_request *request;
    curl_write_callback on_body;
    bool added;
};

static CURLoption untaken[2]; /* options that this libcurl does not know */
static unsigned handles_left, polls, rounds;
static struct fake_easy *last_easy;
static CURLMsg message;

static CURL *fake_easy_init(void) {
    if (handles_left == 0)
        return NULL;
    handles_left--;
    return last_easy = xcalloc(1, sizeof(struct fake_easy));
}

static void fake_easy_cleanup(CURL *handle) {
    struct fake_easy *easy = handle;
    free(easy->url);
    free(easy->redirect_url);
    free(easy);
}

static CURLcode fake_easy_setopt(CURL *handle, CURLoption option, ...) {
    struct fake_easy *easy = handle;
    va_list arguments;
    if (option == untaken[0] || option == untaken[1])
        return CURLE_UNKNOWN_OPTION;
    va_start(arguments, option);
    if (option < CURLOPTTYPE_OBJECTPOINT) {
        easy->numbers[option] = va_arg(arguments, long);
        easy->set[option] = true;
    } else if (option == CURLOPT_PRIVATE) {
        easy->request = va_arg(arguments, void *);
    } else if (option == CURLOPT_WRITEFUNCTION) {
        easy->on_body = va_arg(arguments, curl_write_callback);
    } else if (option == CURLOPT_URL) {
        char *url = xstrdup(va_arg(arguments, char *));
        free(easy->url);
        easy->url = url;
    }
    va_end(arguments);
    return CURLE_OK;
}

static CURLcode fake_easy_getinfo(CURL *handle, CURLINFO info, ...) {
    struct fake_easy *easy = handle;
    va_list arguments;
    va_start(arguments, info);
    void *out = va_arg(arguments, void *);
    va_end(arguments);
    if (info == CURLINFO_RESPONSE_CODE)
        *(long *)out = easy->status;
    else if (info == CURLINFO_REDIRECT_COUNT)
        *(long *)out = easy->redirects;
    else if (info == CURLINFO_REDIRECT_URL)
        *(char **)out = easy->redirect_url;
    else if (info == CURLINFO_PRIVATE)
        *(struct http_request **)out = easy->request;
    return CURLE_OK;
}

static const char *fake_easy_strerror(CURLcode code) {
    return "an error";
}

static struct curl_slist fake_list;

static struct curl_slist *fake_slist_append(struct curl_slist *list, const char *text) {
    return &fake_list;
}

static void fake_slist_free_all(struct curl_slist *list) {
}

static CURLM *fake_multi_init(void) {
    return &fake_list;
}

static CURLMcode fake_multi_cleanup(CURLM *multi) {
    return CURLM_OK;
}

static CURLMcode fake_multi_setopt(CURLM *multi, CURLMoption option, ...) {
    return CURLM_OK;
}

static CURLMcode fake_multi_add(CURLM *multi, CURL *handle) {
    ((struct fake_easy *)handle)->added = true;
    return CURLM_OK;
}

static CURLMcode fake_multi_remove(CURLM *multi, CURL *handle) {
    ((struct fake_easy *)handle)->added = false;
    return CURLM_OK;
}

static CURLMcode fake_multi_perform(CURLM *multi, int *running) {
    return ++rounds < ROUNDS_MAX ? CURLM_OK : CURLM_INTERNAL_ERROR;
}

static CURLMcode fake_multi_poll(CURLM *multi, struct curl_waitfd *fds, unsigned count, int timeout_ms, int *ready) {
    polls++;
    return CURLM_OK;
}

/* The handle at hand has its answer once it was waited for: status 404. */
static CURLMsg *fake_multi_info_read(CURLM *multi, int *left) {
    if (polls == 0 || last_easy == NULL || !last_easy->added)
        return NULL;
    polls = 0;
    last_easy->status = 404;
    message = (CURLMsg){.msg = CURLMSG_DONE, .easy_handle = last_easy, .data.result = CURLE_OK};
    return &message;
}

static const struct curl_library fake_library = {
    .easy_init = fake_easy_init,
    .easy_cleanup = fake_easy_cleanup,
    .easy_setopt = fake_easy_setopt,
    .easy_getinfo = fake_easy_getinfo,
    .easy_strerror = fake_easy_strerror,
    .slist_append = fake_slist_append,
    .slist_free_all = fake_slist_free_all,
    .multi_init = fake_multi_init,
    .multi_cleanup = fake_multi_cleanup,
    .multi_setopt = fake_multi_setopt,
    .multi_add_handle = fake_multi_add,
    .multi_remove_handle = fake_multi_remove,
    .multi_perform = fake_multi_perform,
    .multi_poll = fake_multi_poll,
    .multi_info_read = fake_multi_info_read,
};

const struct curl_library *__wrap_curl_library(void);
const struct curl_library *__wrap_curl_library(void) {
    return &fake_library;
}

static int set_up(void **state) {
    memset(untaken, 0, sizeof untaken);
    handles_left = 100;
    polls = rounds = 0;
    last_easy = NULL;
    return 0;
}

static struct http_place *new_place(const char *text) {
    struct spec spec;
    char *shown, *why = NULL;
    assert_int_equal(spec_next(&text, &spec, &why), 1);
    struct http_place *place = http_place_parse(&spec, &shown, &why);
    assert_non_null(place);
    spec_deinit(&spec);
    free(shown);
    return place;
}

#define SECURE "https://h/ ca-file=/c client-cert=/d client-key=/e"

static int init_with(const char *url, CURLoption first, CURLoption second) {
    struct http_place *place = new_place(url);
    struct http_request request;
    size_t bytes = 0;
    untaken[0] = first;
    untaken[1] = second;
    int status = http_request_init(&request, &fake_library, place, 1000, &bytes);
    if (status == 0)
        http_request_deinit(&request);
    http_place_free(place);
    return status;
}

static void test_an_option_that_protects_is_not_taken(void **state) {
    static const CURLoption options[] = {CURLOPT_SSLVERSION, CURLOPT_CAINFO,    CURLOPT_SSLCERT,
                                         CURLOPT_SSLKEY,     CURLOPT_MAXREDIRS, CURLOPT_FOLLOWLOCATION};
    assert_int_equal(init_with(SECURE, 0, 0), 0);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        assert_int_equal(init_with(SECURE, options[i], 0), -ENOTSUP);
    assert_int_equal(init_with("http://h/", CURLOPT_CAINFO, CURLOPT_SSLKEY), 0); /* not wanted */
}

#if LIBCURL_VERSION_NUM >= 0x075500
static void test_a_libcurl_older_than_its_headers(void **state) {
    static const struct {
        const char *url;
        long redirects;
    } cases[] = {{"https://h/", CURLPROTO_HTTPS}, {"http://h/", CURLPROTO_HTTP | CURLPROTO_HTTPS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_place *place = new_place(cases[i].url);
        struct http_request request;
        size_t bytes = 0;
        untaken[0] = CURLOPT_PROTOCOLS_STR;
        untaken[1] = CURLOPT_REDIR_PROTOCOLS_STR;
        assert_int_equal(http_request_init(&request, &fake_library, place, 1000, &bytes), 0);
        assert_int_equal(last_easy->numbers[CURLOPT_PROTOCOLS], CURLPROTO_HTTP | CURLPROTO_HTTPS);
        assert_int_equal(last_easy->numbers[CURLOPT_REDIR_PROTOCOLS], cases[i].redirects);
        http_request_deinit(&request);
        http_place_free(place);
    }
    assert_int_equal(init_with("http://h/", CURLOPT_PROTOCOLS_STR, CURLOPT_PROTOCOLS), -ENOTSUP);
    assert_int_equal(init_with("http://h/", CURLOPT_REDIR_PROTOCOLS_STR, CURLOPT_REDIR_PROTOCOLS), -ENOTSUP);
}
#endif

/* Redirects where headers are given: libcurl follows none, and only those to the same server are followed. */
static void test_redirects_with_headers(void **state) {
    static const struct {
        const char *url;
        bool followed;
    } cases[] = {
        {"http://Cache.example:80/else?a#b", true}, {"http://cache.example:80/", true},
        {"http://other.example:80/", false},        {"https://cache.example:80/", false},
        {"http://cache.example:800/", false},       {"http://cache.example/", false},
        {"http://cache.example:80@evil/", false},   {"http://u:p@cache.example:80/", false},
        {"http://cache.example:80.evil/", false},   {"http://cache.example:80", false},
        {"http://cache.example:80\\@evil/", false}, {"", false},
    };
    struct http_place *place = new_place("http://cache.example:80/x @header=K:v");
    struct http_request request;
    size_t bytes = 0;
    assert_int_equal(http_request_init(&request, &fake_library, place, 1000, &bytes), 0);
    assert_true(last_easy->set[CURLOPT_FOLLOWLOCATION]);
    assert_int_equal(last_easy->numbers[CURLOPT_FOLLOWLOCATION], 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transport_answer answer;
        http_request_begin(&request, place, &(struct transport_item){.name = "ab"}, 0, 1000);
        last_easy->status = 307;
        free(last_easy->redirect_url);
        last_easy->redirect_url = xstrdup(cases[i].url);
        assert_int_equal(http_request_follow(&request, place, CURLE_OK, 1000), cases[i].followed);
        if (cases[i].followed) {
            assert_string_equal(last_easy->url, cases[i].url);
        } else {
            assert_int_equal(http_request_answer(&request, CURLE_OK, &answer), 0);
            assert_int_equal(answer.outcome, TRANSPORT_REFUSED);
        }
    }
    http_request_deinit(&request);
    http_place_free(place);
}

/* Answers to a transfer that has ended with the code; -1: the exchange ends. */
static int outcome_of(CURLcode code, long redirects) {
    struct http_place *place = new_place("http://h/");
    struct http_request request;
    struct transport_answer answer;
    size_t bytes = 0;
    assert_int_equal(http_request_init(&request, &fake_library, place, 1000, &bytes), 0);
    http_request_begin(&request, place, &(struct transport_item){.name = "ab"}, 0, 1000);
    last_easy->redirects = redirects;
    int status = http_request_answer(&request, code, &answer);
    http_request_deinit(&request);
    http_place_free(place);
    return status < 0 ? -1 : (int)answer.outcome;
}

static void test_failures_of_one_transfer(void **state) {
    static const CURLcode ends[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT,
                                    CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION};
    static const CURLcode alone[] = {CURLE_PARTIAL_FILE,      CURLE_HTTP2_STREAM,         CURLE_TOO_MANY_REDIRECTS,
                                     CURLE_FILESIZE_EXCEEDED, CURLE_UNSUPPORTED_PROTOCOL, CURLE_RECV_ERROR};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        assert_int_equal(outcome_of(ends[i], 0), -1);
        assert_int_equal(outcome_of(ends[i], 1), TRANSPORT_REFUSED); /* by a server that it was redirected to */
    }
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        assert_int_equal(outcome_of(alone[i], 0), TRANSPORT_REFUSED);
}

/* Whether so many MiB of a body were taken. */
static bool receive(struct http_request *request, curl_write_callback on_body, size_t mib) {
    static char chunk[MIB];
    for (; mib > 0; mib--)
        if (on_body(chunk, 1, sizeof chunk, request) != sizeof chunk)
            return false;
    return true;
}

static void test_bodies_are_bounded_one_by_one_and_together(void **state) {
    struct http_place *place = new_place("http://h/");
    struct http_request requests[2];
    struct transport_item items[2] = {{.name = "ab"}, {.name = "cd"}};
    struct transport_answer answer;
    curl_write_callback on_body[2];
    size_t bytes = 0;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(http_request_init(&requests[i], &fake_library, place, 1000, &bytes), 0);
        http_request_begin(&requests[i], place, &items[i], i, 1000);
        last_easy->status = 200;
        on_body[i] = last_easy->on_body;
    }
    assert_true(receive(&requests[0], on_body[0], 40));
    assert_false(receive(&requests[1], on_body[1], 40));
    assert_int_equal(http_request_answer(&requests[1], CURLE_WRITE_ERROR, &answer), 0);
    assert_int_equal(answer.outcome, TRANSPORT_NONE);
    http_request_drop_body(&requests[1]);
    assert_true(receive(&requests[0], on_body[0], 24)); /* the first one goes on, up to the limit of a value */
    assert_int_equal(http_request_answer(&requests[0], CURLE_OK, &answer), 0);
    assert_int_equal(answer.outcome, TRANSPORT_VALUE);
    assert_int_equal(answer.len, 64 * MIB);
    assert_false(receive(&requests[0], on_body[0], 1));
    assert_int_equal(http_request_answer(&requests[0], CURLE_WRITE_ERROR, &answer), 0);
    assert_int_equal(answer.outcome, TRANSPORT_REFUSED);
    for (size_t i = 0; i < 2; i++)
        http_request_deinit(&requests[i]);
    http_place_free(place);
}

static void count_answer(void *context, size_t item, const struct transport_answer *answer) {
    assert_int_equal(answer->outcome, TRANSPORT_NONE);
    ++*(size_t *)context;
}

/* There is one handle for two items: the second waits for it, without a busy loop. */
static void test_fewer_handles_than_items(void **state) {
    struct http_place *place = new_place("http://h/");
    struct transport_item items[] = {{.name = "ab"}, {.name = "cd"}};
    size_t answers = 0;
    char *why = NULL;
    handles_left = 1;
    struct transport *transport = http_transport.open(place, clock_ms() + 60000, &why);
    assert_non_null(transport);
    assert_int_equal(http_transport.exchange(transport, items, 2, clock_ms() + 60000, count_answer, &answers), 0);
    assert_int_equal(answers, 2);
    assert_in_range(rounds, 1, 6);
    http_transport.close(transport);
    http_place_free(place);
}

static void test_no_handle(void **state) {
    struct http_place *place = new_place("http://h/");
    struct transport_item item = {.name = "ab"};
    size_t answers = 0;
    char *why = NULL;
    untaken[0] = CURLOPT_SSLVERSION;
    struct transport *transport = http_transport.open(place, clock_ms() + 60000, &why);
    assert_int_equal(http_transport.exchange(transport, &item, 1, clock_ms() + 60000, count_answer, &answers), -EIO);
    assert_non_null(strstr(http_transport.why(transport), "libcurl lacks an option"));
    http_transport.close(transport);
    http_place_free(place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_option_that_protects_is_not_taken, set_up),
#if LIBCURL_VERSION_NUM >= 0x075500
        cmocka_unit_test_setup(test_a_libcurl_older_than_its_headers, set_up),
#endif
        cmocka_unit_test_setup(test_redirects_with_headers, set_up),
        cmocka_unit_test_setup(test_failures_of_one_transfer, set_up),
        cmocka_unit_test_setup(test_bodies_are_bounded_one_by_one_and_together, set_up),
        cmocka_unit_test_setup(test_fewer_handles_than_items, set_up),
        cmocka_unit_test_setup(test_no_handle, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
