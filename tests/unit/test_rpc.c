/* Unit tests of proto/rpc and proto/compile_request. */
#include "tests/unit/check.h"

#include "proto/compile_request.h"
#include "proto/rpc.h"

static int parse(const char *text, struct rpc_message *message) {
    const char *why;
    assert_null(json_check(text, strlen(text)));
    return rpc_parse(text, strlen(text), message, &why);
}

static void test_request(void **state) {
    struct rpc_message m;
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":\"a\\u0041\",\"method\":\"m\",\"params\":{\"x\":1}}", &m), 0);
    assert_string_equal(m.id, "\"a\\u0041\"");
    assert_string_equal(m.method, "m");
    assert_int_equal(m.params.len, 7);
    rpc_message_deinit(&m);
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", &m), 0);
    assert_null(m.id);
    rpc_message_deinit(&m);
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\": null}", &m), 0);
    assert_null(m.params.text);
    rpc_message_deinit(&m);
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}", &m), 0);
    assert_null(m.method);
    assert_non_null(m.error.text);
    rpc_message_deinit(&m);
}

static void test_bad_requests(void **state) {
    static const char *const texts[] = {"{}",
                                        "3",
                                        "[]",
                                        "{\"jsonrpc\":2.0,\"method\":\"m\"}",
                                        "{\"jsonrpc\":\"2.0\"}",
                                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":1}",
                                        "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"m\"}",
                                        "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":\"x\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rpc_message m;
        assert_int_equal(parse(texts[i], &m), RPC_INVALID_REQUEST);
        rpc_message_deinit(&m);
    }
}

static void test_escaped_id(void **state) {
    struct rpc_message m;
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"\\u0069d\":1,\"m\\u0065thod\":\"m\"}", &m), 0);
    assert_string_equal(m.id, "1");
    assert_string_equal(m.method, "m");
    rpc_message_deinit(&m);
}

static void test_bound_of_ids(void **state) {
    for (size_t len = RPC_ID_MAX; len <= RPC_ID_MAX + 1; len++) {
        struct rpc_message m;
        char *digits = xmalloc(len + 1);
        memset(digits, '1', len);
        digits[len] = '\0';
        char *text = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"m\"}", digits);
        assert_int_equal(parse(text, &m), len > RPC_ID_MAX ? RPC_INVALID_REQUEST : 0);
        assert_int_equal(m.id != NULL, len <= RPC_ID_MAX);
        rpc_message_deinit(&m);
        free(text);
        free(digits);
    }
}

static void test_refused_id(void **state) {
    static const struct json_limits limits = {JSON_DEPTH_MAX, 10};
    static const struct {
        const char *text, *id;
    } cases[] = {
        {"{\"id\":7,\"params\":{\"source\":\"\\ud800\"}}", "7"},
        {" {\"params\":{\"id\":8,\"source\":\"\\udc00\"},\"\\u0069d\":\"a\"}", "\"a\""},
        {"{\"params\":{\"source\":\"\\ud800\"}}", NULL},
        {"{\"id\":\"\\ud800\"}", NULL}, /* our answer would be no text that can be read */
        {"{\"id\":{},\"a\":\"\\ud800\"}", NULL},
        {"{\"id\":7,\"a\":\"\\ud800\"", NULL},
        {"{\"id\":7,\"a\":\"\\u0000\"}", NULL},
        {"{\"id\":7,\"a\":[1,2,3,4,5,6,7,8,9,\"\\ud800\"]}", NULL},
        {"[{\"id\":7,\"a\":\"\\ud800\"}]", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *id = rpc_refused_id(cases[i].text, strlen(cases[i].text), &limits);
        assert_int_equal(id != NULL, cases[i].id != NULL);
        if (id != NULL)
            assert_string_equal(id, cases[i].id);
        free(id);
    }
}

static void test_write(void **state) {
    struct buffer out = {0};
    rpc_write_request(&out, "1", "a\"b", "{}", 2);
    rpc_write_notification(&out, "n", NULL, 0);
    rpc_write_error(&out, NULL, -32700, "x\ny", NULL);
    assert_string_equal(buffer_string(&out),
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\\"b\",\"params\":{}}"
                        "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}"
                        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"x\\ny\"}}");
    buffer_deinit(&out);
}

static void test_compile_defaults(void **state) {
    const char *error;
    char *why = NULL;
    struct compile_request request;
    cJSON *params = json_parse("{\"file\":\"/a\",\"cfile\":null}", 26, &error);
    assert_int_equal(compile_request_decode(params, &request, &why), 0);
    assert_int_equal(request.optimize, -1);
    assert_true(request.force && request.write && !request.legacy);
    assert_int_equal(request.priority, PRIORITY_NORMAL);
    assert_int_equal(request.umask, -1);
    assert_int_equal(request.timeout_ms, -1);
    assert_int_equal(compile_request_mode(&request), INVALIDATION_TIMESTAMP);
    request.source_date_epoch = "";
    assert_int_equal(compile_request_mode(&request), INVALIDATION_TIMESTAMP);
    request.source_date_epoch = "0";
    assert_int_equal(compile_request_mode(&request), INVALIDATION_CHECKED_HASH);
    request.invalidation_mode = INVALIDATION_UNCHECKED_HASH;
    assert_int_equal(compile_request_mode(&request), INVALIDATION_UNCHECKED_HASH);
    cJSON_Delete(params);
}

static void test_compile_round(void **state) {
    const char *error, *text = "{\"file\":\"a\",\"cwd\":\"/w\",\"optimize\":2,\"invalidation_mode\":\"checked-hash\","
                               "\"umask\":18,\"warnings\":[\"error\"],\"force\":false,\"priority\":\"background\"}";
    char *why = NULL;
    struct compile_request request;
    cJSON *params = json_parse(text, strlen(text), &error);
    assert_int_equal(compile_request_decode(params, &request, &why), 0);
    cJSON *again = compile_request_encode(&request);
    struct buffer out = {0};
    json_print(again, &out);
    assert_string_equal(buffer_string(&out), text);
    buffer_deinit(&out);
    cJSON_Delete(again);
    cJSON_Delete(params);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),    cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_write),      cmocka_unit_test(test_compile_defaults),
        cmocka_unit_test(test_escaped_id), cmocka_unit_test(test_bound_of_ids),
        cmocka_unit_test(test_refused_id), cmocka_unit_test(test_compile_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
