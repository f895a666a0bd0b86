/* Unit tests of client/rpc_client: a call whose peer answers, hangs, goes, talks nonsense; and a poll() that fails. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "client/rpc_client.h"

static int peer;

static void connect_peer_pair(struct rpc_client *client) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    rpc_client_init(client, ends[0]);
    peer = ends[1];
}

static void test_answer(void **state) {
    static const char text[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n{\"jsonrpc\":\"2.0\",\"id\":4503599627370496,\"result\":{\"a\":7}}\n";
    struct rpc_client client;
    char *why;
    connect_peer_pair(&client);
    assert_int_equal(io_write_all(peer, text, sizeof text - 1), 0);
    cJSON *result = rpc_client_call(&client, "status", NULL, clock_ms() + 60000, &why);
    assert_int_equal(json_get_number(result, "a", 0), 7);
    cJSON_Delete(result);
    rpc_client_deinit(&client);
    close(peer);
}

/* Expects a failure with these words. */
static void expect_failure(struct rpc_client *client, int64_t wait_ms, const char *words) {
    char *why;
    assert_null(rpc_client_call(client, "status", NULL, clock_ms() + wait_ms, &why));
    assert_string_equal(why, words);
    free(why);
    rpc_client_deinit(client);
}

static void test_failures(void **state) {
    struct rpc_client client;
    connect_peer_pair(&client);
    expect_failure(&client, 20, "the daemon does not answer");
    close(peer);
    connect_peer_pair(&client);
    close(peer);
    expect_failure(&client, 60000, "the daemon closed the connection");
    connect_peer_pair(&client);
    assert_int_equal(io_write_all(peer, "hello\n", 6), 0);
    expect_failure(&client, 60000, "what listens there does not speak JSON-RPC 2.0");
    close(peer);
}

/* poll() refuses more descriptors than the process may have: one is too many then. */
static void test_poll_fails(void **state) {
    struct rlimit old, none;
    struct rpc_client client;
    connect_peer_pair(&client);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){0, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    alarm(20); /* where it goes on for ever */
    char *why;
    cJSON *result = rpc_client_call(&client, "status", NULL, clock_ms() + 60000, &why);
    alarm(0);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_null(result);
    assert_string_equal(why, "cannot wait for the daemon: Invalid argument");
    free(why);
    rpc_client_deinit(&client);
    close(peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_poll_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
