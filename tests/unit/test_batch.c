/* Unit tests of client/batch and client/run_link with fake daemons. A fake daemon is a socket pair into which its
 * answers are written before it is asked: the batch looks at them only after it has sent the requests. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "client/autostart.h"
#include "client/batch.h"
#include "client/connect.h"
#include "proto/rpc.h"

#define DAEMONS_MAX 110
#define ITEMS_MAX 300

/* A daemon that is reached by the n-th connection. */
static struct daemon {
    pid_t pid;
    const char *answers; /* NULL: none can be started */
    bool stays;          /* does not close the connection */
    int fd;              /* the daemon's end */
} daemons[DAEMONS_MAX];
static unsigned connections, sleeps;

int autostart_connect(struct autostart *autostart, char **why) {
    autostart->path = xstrdup(autostart->socket_path ? autostart->socket_path : "");
    struct daemon *daemon = &daemons[connections++];
    int ends[2];
    if (daemon->answers == NULL) {
        *why = xstrdup("there is no daemon");
        return -1;
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    assert_int_equal(io_write_all(ends[1], daemon->answers, strlen(daemon->answers)), 0);
    if (!daemon->stays)
        shutdown(ends[1], SHUT_WR);
    daemon->fd = ends[1];
    return ends[0];
}

enum connect_status connect_daemon(const char *socket_path, int *fd, char **why) {
    *why = xstrdup("nobody listens");
    *fd = -1;
    return CONNECT_FAILED;
}

bool connect_is_absent(enum connect_status status) {
    return status == CONNECT_NO_PATH;
}

char *autostart_namespace_path(const char *socket_path, const char *theirs) {
    (void)socket_path, (void)theirs;
    return NULL;
}

void autostart_deinit(struct autostart *autostart) {
    free(autostart->path);
}

pid_t connect_peer(int fd) {
    return daemons[connections - 1].pid;
}

void __wrap_clock_sleep_ms(int ms);
void __wrap_clock_sleep_ms(int ms) {
    sleeps++;
}

/* The owner of the batch: items are numbers, and what became of them is text. */
struct owner {
    int count, next;
    int asks_again; /* an item with more to ask, once; -1: none */
    int stops_at;   /* take() has enough there; -1: never */
    size_t size;    /* of the parameters, in bytes beside a few */
    size_t holds;   /* bytes of output that an answered item holds */
    bool wakes;     /* the batch is woken once its first requests are sent */
    struct buffer asked, taken, dropped, begun;
    char results[ITEMS_MAX][200];
};

static struct batch_item items[ITEMS_MAX];

static int number_of(const struct batch_item *item) {
    return (int)(item - items);
}

static enum batch_next next(struct batch_item **item, void *context) {
    struct owner *owner = context;
    if (owner->next == owner->count)
        return BATCH_END;
    *item = &items[owner->next++];
    (*item)->asks = true;
    return BATCH_ITEM;
}

static void ask(struct batch_item *item, struct buffer *params, void *context) {
    struct owner *owner = context;
    buffer_printf(&owner->asked, "%d ", number_of(item));
    buffer_append_string(params, "{\"a\":\"");
    for (size_t i = 0; i < owner->size; i++)
        buffer_append_char(params, 'x');
    buffer_append_string(params, "\"}");
}

static bool answered(struct batch_item *item, const struct batch_answer *answer, void *context) {
    struct owner *owner = context;
    int number = number_of(item);
    item->held = owner->holds;
    struct json_span span = answer->error.text ? answer->error : answer->result;
    snprintf(owner->results[number], sizeof owner->results[number], "%.*s", (int)span.len, span.text);
    bool again = owner->asks_again == number;
    if (again)
        owner->asks_again = -1;
    return again;
}

static void begin_item(struct batch_item *item, void *context) {
    struct owner *owner = context;
    buffer_printf(&owner->begun, "%d ", number_of(item));
}

static bool take(struct batch_item *item, void *context) {
    struct owner *owner = context;
    buffer_printf(&owner->taken, "%d ", number_of(item));
    return number_of(item) != owner->stops_at;
}

static void drop(struct batch_item *item, void *context) {
    struct owner *owner = context;
    buffer_printf(&owner->dropped, item->in_flight ? "%d? " : "%d ", number_of(item));
}

static bool flush(void *context) {
    struct owner *owner = context;
    return !owner->wakes;
}

static const struct batch_owner functions = {
    .next = next,
    .ask = ask,
    .answered = answered,
    .begin = begin_item,
    .take = take,
    .drop = drop,
    .flush = flush,
};

static struct owner owner;

/* Runs `count` items against the daemons. Returns what batch_run() does. */
static int run(int count, char **why) {
    struct run_link link;
    struct progress progress = {0};
    run_link_init(&link, "/socket", "test");
    link.may_say = false;
    owner.count = count;
    int wake_ends[2] = {-1, -1};
    if (owner.wakes) {
        assert_int_equal(pipe(wake_ends), 0);
        assert_int_equal(write(wake_ends[1], "", 1), 1);
    }
    int result = batch_run(
        &(struct batch){
            .link = &link, .progress = &progress, .wake_fd = wake_ends[0], .owner = &functions, .context = &owner},
        why);
    run_link_deinit(&link);
    if (owner.wakes) {
        close(wake_ends[0]);
        close(wake_ends[1]);
    }
    return result;
}

static int begin(void **state) {
    owner = (struct owner){.asks_again = -1, .stops_at = -1};
    memset(items, 0, sizeof items);
    memset(daemons, 0, sizeof daemons);
    connections = sleeps = 0;
    return 0;
}

static int end(void **state) {
    buffer_deinit(&owner.asked);
    buffer_deinit(&owner.taken);
    buffer_deinit(&owner.dropped);
    buffer_deinit(&owner.begun);
    for (unsigned i = 0; i < DAEMONS_MAX; i++)
        if (daemons[i].fd > 0)
            close(daemons[i].fd);
    return 0;
}

#define RESULT(id, text) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"result\":" text "}\n"
#define ERROR(id, text) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"error\":" text "}\n"
#define DRAINING "{\"code\":-32005,\"message\":\"draining\",\"data\":{\"retryable\":true}}"
#define HOPELESS "{\"code\":-32005,\"message\":\"no host\",\"data\":{\"retryable\":false}}"

static void expect(const char *asked, const char *taken, unsigned expected_connections) {
    assert_string_equal(buffer_string(&owner.asked), asked);
    assert_string_equal(buffer_string(&owner.taken), taken);
    assert_int_equal(connections, expected_connections);
}

/* Answers come in any order; items are handed out in theirs. */
static void test_order(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, RESULT(2, "2") RESULT(0, "0") RESULT(1, "1"), true, 0};
    assert_int_equal(run(3, &why), 0);
    expect("0 1 2 ", "0 1 2 ", 1);
    assert_string_equal(owner.results[2], "2");
}

/* An item may have more to ask: it is asked again before it is handed out; here the connection is lost under that. */
static void test_more_to_ask(void **state) {
    char *why;
    owner.asks_again = 0;
    daemons[0] = (struct daemon){7, RESULT(0, "\"a\"") RESULT(1, "\"b\""), false, 0};
    daemons[1] = (struct daemon){8, RESULT(0, "\"c\""), true, 0};
    assert_int_equal(run(2, &why), 0);
    expect("0 1 0 0 ", "0 1 ", 2);
    assert_string_equal(owner.results[0], "\"c\"");
}

/* A request that a lost daemon left unanswered is sent once more. */
static void test_lost_once(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, RESULT(1, "1"), false, 0};
    daemons[1] = (struct daemon){8, RESULT(0, "0") RESULT(2, "2"), true, 0};
    assert_int_equal(run(3, &why), 0);
    expect("0 1 2 0 2 ", "0 1 2 ", 2);
    assert_int_equal(sleeps, 0);
}

/* Twice lost is an answer of its own, that one may try again. */
static void test_lost_twice(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, "", false, 0};
    daemons[1] = (struct daemon){8, RESULT(1, "1"), false, 0};
    assert_int_equal(run(2, &why), 0);
    expect("0 1 0 1 ", "0 1 ", 2);
    assert_string_equal(
        owner.results[0],
        "{\"code\":-32005,\"message\":\"the connection to the daemon was lost twice\",\"data\":{\"reason\":"
        "\"the connection to the daemon was lost twice\",\"retryable\":true}}");
    assert_string_equal(owner.results[1], "1");
}

/* A killed daemon that still accepts connections (the same process, which never answers) costs no attempt. */
static void test_ghosts(void **state) {
    char *why;
    for (unsigned i = 0; i < 6; i++)
        daemons[i] = (struct daemon){7, "", false, 0};
    daemons[6] = (struct daemon){8, RESULT(0, "0"), true, 0};
    assert_int_equal(run(1, &why), 0);
    expect("0 0 0 0 0 0 0 ", "0 ", 7);
    assert_int_equal(sleeps, 5);
    assert_string_equal(owner.results[0], "0");
}

/* But not for ever. */
static void test_too_many_ghosts(void **state) {
    char *why;
    for (unsigned i = 0; i < DAEMONS_MAX; i++)
        daemons[i] = (struct daemon){7, "", false, 0};
    assert_int_equal(run(1, &why), 0);
    assert_int_equal(connections, 102);
    assert_int_equal(sleeps, 100);
    assert_non_null(strstr(owner.results[0], "lost twice"));
}

/* A daemon that drains refuses: the rest of what it has is awaited, then the next daemon is asked. */
static void test_draining(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, ERROR(1, DRAINING) RESULT(0, "0"), true, 0};
    daemons[1] = (struct daemon){8, RESULT(1, "1"), true, 0};
    assert_int_equal(run(2, &why), 0);
    expect("0 1 1 ", "0 1 ", 2);
    assert_string_equal(owner.results[1], "1");
}

/* Each item asks two daemons at most; an error that another daemon would repeat is final at once. */
static void test_refused(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, ERROR(0, DRAINING) ERROR(1, HOPELESS), true, 0};
    daemons[1] = (struct daemon){8, ERROR(0, DRAINING), true, 0};
    assert_int_equal(run(2, &why), 0);
    expect("0 1 0 ", "0 1 ", 2);
    assert_string_equal(owner.results[0], DRAINING);
    assert_string_equal(owner.results[1], HOPELESS);
}

/* No daemon to be had ends the batch; open items are given back. */
static void test_no_daemon(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, RESULT(0, "0"), false, 0};
    assert_true(run(3, &why) < 0);
    assert_string_equal(why, "there is no daemon");
    free(why);
    expect("0 1 2 ", "0 ", 2);
    assert_string_equal(buffer_string(&owner.dropped), "1 2 ");
}

static int count_asked(void) {
    int count = 0;
    for (const char *at = buffer_string(&owner.asked); *at != '\0'; at++)
        count += *at == ' ';
    return count;
}

/* A daemon that answers nothing is asked about so many items, and has so many bytes waiting for it, at most. */
static void test_requests_in_flight(void **state) {
    static const struct {
        size_t size;
        int least, most;
    } cases[] = {{0, 128, 128}, {64 << 10, 16, 32}}; /* 1 MiB, and what the socket takes */
    char *why;
    setenv("PYCOMPILED_PATIENCE", "1", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        owner.size = cases[i].size;
        daemons[0] = (struct daemon){7, "", true, 0};
        assert_true(run(ITEMS_MAX, &why) < 0); /* it is given up */
        free(why);
        assert_in_range(count_asked(), cases[i].least, cases[i].most);
        end(state);
        begin(state);
    }
    unsetenv("PYCOMPILED_PATIENCE");
}

/* The owner has had enough: nothing more is asked. */
static void test_stop(void **state) {
    char *why;
    owner.stops_at = 1;
    daemons[0] = (struct daemon){7, RESULT(0, "0") RESULT(1, "1"), true, 0};
    assert_int_equal(run(200, &why), 0);
    assert_string_equal(buffer_string(&owner.taken), "0 1 ");
    assert_int_equal(connections, 1);
}

/* What is no JSON-RPC, and a complaint about the conversation, end the batch with a message. */
static void test_no_protocol(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, "hello\n", true, 0};
    assert_int_equal(run(1, &why), -EPROTO);
    assert_string_equal(why, "what listens on /socket does not speak JSON-RPC 2.0");
    free(why);
    end(state);
    begin(state);
    daemons[0] = (struct daemon){7, ERROR(null, "{\"code\":-32700,\"message\":\"Parse error\"}"), true, 0};
    assert_int_equal(run(1, &why), -EPROTO);
    assert_non_null(strstr(why, "the daemon refuses a request: "));
    free(why);
}

/* An item begins once it is asked and all before it are taken; each begins once. */
static void test_begin(void **state) {
    char *why;
    daemons[0] = (struct daemon){7, RESULT(0, "0") RESULT(2, "2"), false, 0};
    daemons[1] = (struct daemon){8, RESULT(1, "1"), true, 0};
    assert_int_equal(run(3, &why), 0);
    assert_string_equal(buffer_string(&owner.begun), "0 1 2 ");
    assert_string_equal(buffer_string(&owner.taken), "0 1 2 ");
}

/* Where the answers that wait for their turn hold much output, only the item whose turn it is is asked about. */
static void test_held_output_is_bounded(void **state) {
    char *why;
    owner.holds = (size_t)3 << 20;
    struct buffer first = {0}, last = {0};
    for (int i = 1; i < 64; i++)
        buffer_printf(&first, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":1}\n", i);
    for (int i = 64; i < 100; i++)
        buffer_printf(&last, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":1}\n", i);
    daemons[0] = (struct daemon){7, buffer_string(&first), false, 0};
    daemons[1] = (struct daemon){8, RESULT(0, "0"), false, 0};
    daemons[2] = (struct daemon){9, buffer_string(&last), true, 0};
    assert_int_equal(run(100, &why), 0);
    assert_non_null(strstr(buffer_string(&owner.asked), " 62 63 0 64 65 "));
    assert_int_equal(connections, 3);
    buffer_deinit(&first);
    buffer_deinit(&last);
}

/* Told to stop: what is answered is taken although an older item is not; cancelled and unanswered ones are dropped. */
static void test_woken(void **state) {
    char *why;
    owner.wakes = true;
    daemons[0] = (struct daemon){
        7, RESULT(0, "0") RESULT(2, "2") ERROR(1, "{\"code\":-32800,\"message\":\"RequestCancelled\"}"), false, 0};
    assert_int_equal(run(4, &why), 0);
    assert_string_equal(buffer_string(&owner.asked), "0 1 2 3 ");
    assert_string_equal(buffer_string(&owner.taken), "0 2 ");
    assert_string_equal(buffer_string(&owner.dropped), "1 3? ");
    assert_int_equal(connections, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_begin, begin, end),
        cmocka_unit_test_setup_teardown(test_held_output_is_bounded, begin, end),
        cmocka_unit_test_setup_teardown(test_woken, begin, end),
        cmocka_unit_test_setup_teardown(test_order, begin, end),
        cmocka_unit_test_setup_teardown(test_more_to_ask, begin, end),
        cmocka_unit_test_setup_teardown(test_lost_once, begin, end),
        cmocka_unit_test_setup_teardown(test_lost_twice, begin, end),
        cmocka_unit_test_setup_teardown(test_ghosts, begin, end),
        cmocka_unit_test_setup_teardown(test_too_many_ghosts, begin, end),
        cmocka_unit_test_setup_teardown(test_draining, begin, end),
        cmocka_unit_test_setup_teardown(test_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_no_daemon, begin, end),
        cmocka_unit_test_setup_teardown(test_requests_in_flight, begin, end),
        cmocka_unit_test_setup_teardown(test_stop, begin, end),
        cmocka_unit_test_setup_teardown(test_no_protocol, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
