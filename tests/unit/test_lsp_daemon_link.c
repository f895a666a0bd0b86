/* Unit tests of client/lsp/daemon_link.c with a fake dialer, whose connections are socket pairs that the test holds. */
#include "tests/unit/check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/lsp/daemon_link.h"

static int peer = -1;       /* the daemon's end of the last connection */
static const char *chosen;  /* the Python that the project asks for */
static const char *refusal; /* why there is no daemon, or NULL */
static int dials;
static char heard[256];

void dialer_init(struct dialer *dialer) {
    *dialer = (struct dialer){.fd = -1};
}

void dialer_deinit(struct dialer *dialer) {
    dialer_init(dialer);
}

int dialer_start(struct dialer *dialer, enum autostart_when when, const char *socket_path, const char *folder) {
    dials++;
    *dialer = (struct dialer){1, -1};
    return 0;
}

int dialer_take(struct dialer *dialer, char **python, char **why) {
    int ends[2];
    dialer_init(dialer);
    *python = chosen ? xstrdup(chosen) : NULL;
    *why = refusal ? xstrdup(refusal) : NULL;
    if (refusal != NULL)
        return -ENOTCONN;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    peer = ends[1];
    return ends[0];
}

/* The messages that the link has sent since the last time. */
static const char *sent(void) {
    static char text[4096];
    ssize_t len = recv(peer, text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void answer(struct daemon_link *link, const char *text) {
    assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    daemon_link_handle(link, POLLIN);
}

static void hang_up(struct daemon_link *link) {
    close(peer);
    peer = -1;
    daemon_link_handle(link, POLLIN | POLLHUP);
}

/* Notes what came of a call: its name, and the result's number, the error's code, or the reason. */
static void note(void *context, const struct daemon_answer *outcome) {
    size_t len = strlen(heard);
    snprintf(heard + len, sizeof heard - len, "%s:%g%s ", (const char *)context,
             outcome->result  ? outcome->result->valuedouble
             : outcome->error ? cJSON_GetObjectItem(outcome->error, "code")->valuedouble
                              : 0,
             outcome->why ? outcome->why : "");
}

static void expect_heard(const char *wanted) {
    assert_string_equal(heard, wanted);
    heard[0] = '\0';
}

static int64_t ask(struct daemon_link *link, const char *name) {
    return daemon_link_call(link, "check", cJSON_CreateObject(), note, (void *)name);
}

static void begin(struct daemon_link *link) {
    daemon_link_init(link);
    chosen = refusal = NULL;
    dials = 0;
    heard[0] = '\0';
}

static void end(struct daemon_link *link) {
    daemon_link_deinit(link);
    if (peer >= 0)
        close(peer);
    peer = -1;
}

static void test_answers(void **state) {
    struct daemon_link link;
    begin(&link);
    ask(&link, "a");
    ask(&link, "b");
    daemon_link_handle(&link, 0);
    daemon_link_handle(&link, 0);
    assert_int_equal(dials, 1);
    daemon_link_handle(&link, POLLIN);
    assert_string_equal(sent(), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":{}}\n"
                                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"check\",\"params\":{}}\n");
    answer(&link, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":7}\n{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":8}\n");
    expect_heard("b:7 ");
    answer(&link, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,\"message\":\"m\"}}\n");
    expect_heard("a:-32001 ");
    assert_true(list_empty(&link.calls));
    end(&link);
}

/* The user's Python goes before the project's; a change of it sends what is under way again. */
static void test_python(void **state) {
    struct daemon_link link;
    begin(&link);
    chosen = "3.11";
    daemon_link_call(&link, "check", cJSON_Parse("{\"file\":\"f\"}"), note, (void *)"a");
    daemon_link_handle(&link, 0);
    daemon_link_handle(&link, POLLIN);
    assert_non_null(strstr(sent(), "{\"file\":\"f\",\"python\":\"3.11\"}"));
    int old = peer;
    daemon_link_set_python(&link, "/p", "3.13");
    daemon_link_handle(&link, POLLIN);
    close(old);
    assert_non_null(strstr(sent(), "{\"file\":\"f\",\"python\":\"3.13\"}"));
    assert_int_equal(dials, 2);
    daemon_link_set_python(&link, "/p", "3.13"); /* the same: nothing happens */
    assert_true(link.connected);
    end(&link);
}

/* A call is sent three times in all, and then fails; a younger call goes on. */
static void test_lost_again_and_again(void **state) {
    struct daemon_link link;
    begin(&link);
    ask(&link, "a");
    daemon_link_handle(&link, 0);
    for (int i = 0; i < 2; i++) {
        daemon_link_handle(&link, POLLIN);
        hang_up(&link);
        expect_heard("");
    }
    daemon_link_handle(&link, POLLIN);
    ask(&link, "b");
    daemon_link_handle(&link, 0);
    hang_up(&link);
    expect_heard("a:0the connection to the daemon is lost again and again ");
    daemon_link_handle(&link, POLLIN);
    assert_non_null(strstr(sent(), "\"id\":2,"));
    answer(&link, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}\n");
    expect_heard("b:1 ");
    end(&link);
}

/* A daemon that drains answers with a retryable error: the next daemon is asked. */
static void test_retryable(void **state) {
    static const char draining[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32005,\"message\":\"m\","
                                   "\"data\":{\"retryable\":true}}}\n";
    struct daemon_link link;
    begin(&link);
    ask(&link, "a");
    daemon_link_handle(&link, 0);
    daemon_link_handle(&link, POLLIN);
    answer(&link, draining);
    expect_heard("");
    assert_int_equal(dials, 2);
    close(peer);
    daemon_link_handle(&link, POLLIN);
    answer(&link, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":3}\n");
    expect_heard("a:3 ");
    end(&link);
}

static void test_dropped(void **state) {
    struct daemon_link link;
    begin(&link);
    int64_t a = ask(&link, "a"), b = ask(&link, "b");
    daemon_link_drop(&link, a); /* never sent: nothing to cancel */
    daemon_link_handle(&link, 0);
    daemon_link_handle(&link, POLLIN);
    assert_string_equal(sent(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"check\",\"params\":{}}\n");
    daemon_link_drop(&link, b);
    daemon_link_drop(&link, b);
    daemon_link_handle(&link, 0);
    assert_string_equal(sent(), "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":2}}\n");
    answer(&link, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":3}\n");
    expect_heard("");
    end(&link);
}

/* Asks once more from its callback. */
static void ask_again(void *context, const struct daemon_answer *outcome) {
    note((void *)"a", outcome);
    ask(context, "b");
}

/* All that wait fail; a call that a callback makes waits for the next attempt. */
static void test_no_daemon(void **state) {
    struct daemon_link link;
    begin(&link);
    refusal = "none";
    daemon_link_call(&link, "check", cJSON_CreateObject(), ask_again, &link);
    daemon_link_handle(&link, 0);
    daemon_link_handle(&link, POLLIN);
    expect_heard("a:0none ");
    assert_int_equal(dials, 2);
    daemon_link_handle(&link, POLLIN);
    expect_heard("b:0none ");
    end(&link);
}

static void test_not_the_protocol(void **state) {
    struct daemon_link link;
    begin(&link);
    ask(&link, "a");
    daemon_link_handle(&link, 0);
    daemon_link_handle(&link, POLLIN);
    answer(&link, "{]\n");
    expect_heard("");
    assert_false(link.connected);
    assert_int_equal(dials, 2);
    end(&link);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_python),
        cmocka_unit_test(test_lost_again_and_again),
        cmocka_unit_test(test_retryable),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_no_daemon),
        cmocka_unit_test(test_not_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
