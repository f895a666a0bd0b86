/* Unit tests of daemon/peers/connection and connection_group: what a client can make the daemon hold, and how its
 * connection ends. */
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_peers.h"

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/peers/request_batch.h"

static struct fake_peers peers;

/* What a message of a client asks for: an open request. */
struct request {
    struct attachment attachment;
    struct connection *connection;
    size_t held;
};

static struct request *requests[64];
static unsigned request_count, resumed, ended_others;
static size_t held_by_request;

static void request_end(struct request *request) {
    connection_release(request->connection, request->held);
    connection_detach(request->connection, &request->attachment);
    for (unsigned i = 0; i < request_count; i++)
        if (requests[i] == request)
            requests[i] = requests[--request_count];
    free(request);
    census_job_ended(&peers.census);
}

static void on_request_ended(struct attachment *attachment) {
    request_end(list_entry(attachment, struct request, attachment));
}

static const struct attachment_events request_events = {.ended = on_request_ended, .is_request = true};

static void on_message(struct connection *connection, const char *text, size_t len) {
    struct request *request = xcalloc(1, sizeof *request);
    requests[request_count++] = request;
    request->connection = connection;
    request->held = held_by_request;
    census_job_started(&peers.census);
    connection_attach(connection, &request->attachment, &request_events);
    connection_hold(connection, request->held);
}

static struct fake_client *begin(void) {
    request_count = resumed = ended_others = 0;
    held_by_request = 100;
    fake_peers_init(&peers, on_message);
    return fake_client_new(&peers);
}

static void send_messages(struct fake_client *client, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        fake_client_send(client, "{}");
    fake_peers_turn(&peers);
}

static void test_too_many_open_requests_stop_the_reading(void **state) {
    struct fake_client *client = begin();
    peers.options.open_limit = 4;
    send_messages(client, 10);
    assert_int_equal(client->connection->open, 4);
    request_end(requests[0]);
    fake_peers_turn(&peers);
    assert_int_equal(client->connection->open, 3); /* it is read from again when half are closed */
    request_end(requests[0]);
    fake_peers_turn(&peers);
    assert_int_equal(client->connection->open, 4);
    while (request_count > 0) {
        request_end(requests[0]);
        fake_peers_turn(&peers);
    }
    assert_int_equal(client->connection->messages, 10);
    fake_peers_deinit(&peers);
}

static void test_unread_answers_stop_the_reading(void **state) {
    struct fake_client *client = begin();
    static char answer[1 << 20];
    memset(answer, '[', sizeof answer);
    peers.options.pending_limit = 2 << 20;
    for (int i = 0; i < 4; i++)
        connection_send(client->connection, answer, sizeof answer);
    fake_peers_turn(&peers);
    send_messages(client, 1); /* the one that finds out */
    send_messages(client, 1);
    assert_int_equal(client->connection->messages, 1);
    for (int i = 0; i < 4; i++) {
        const char *text = NULL;
        for (int turn = 0; turn < 50 && (text = fake_client_receive(client)) == NULL; turn++)
            fake_peers_turn(&peers);
        assert_non_null(text);
    }
    fake_peers_turn(&peers);
    assert_int_equal(connection_unread(client->connection), 0);
    assert_int_equal(client->connection->messages, 2);
    fake_peers_deinit(&peers);
}

static void test_what_is_held_is_counted_and_released(void **state) {
    struct fake_client *client = begin();
    send_messages(client, 3);
    assert_int_equal(peers.census.held, 300);
    assert_true(connection_size(client->connection) >= 300);
    request_end(requests[1]);
    assert_int_equal(peers.census.held, 200);
    fake_client_close(client);
    fake_peers_turn(&peers);
    assert_int_equal(peers.census.held, 0);
    assert_int_equal(peers.census.connections, 0);
    fake_peers_deinit(&peers);
}

static void test_half_of_the_memory_holds_busy_connections_back(void **state) {
    struct fake_client *busy = begin(), *small = fake_client_new(&peers);
    peers.options.memory_limit = 1 << 20;
    held_by_request = 600 << 10;
    send_messages(busy, 1);
    assert_true(peers.group.tight);
    held_by_request = 10;
    send_messages(busy, 1);
    assert_int_equal(busy->connection->messages, 1);
    send_messages(small, 1); /* has nothing open yet */
    assert_int_equal(small->connection->messages, 1);
    send_messages(small, 1);
    assert_int_equal(small->connection->messages, 1);
    request_end(requests[0]);
    fake_peers_turn(&peers);
    assert_false(peers.group.tight);
    assert_int_equal(busy->connection->messages, 2);
    assert_int_equal(small->connection->messages, 2);
    fake_peers_deinit(&peers);
}

static void test_memory_stays_tight_down_to_three_eighths(void **state) {
    struct fake_client *client = begin();
    peers.options.memory_limit = 1 << 20;
    held_by_request = 110 << 10;
    for (int i = 0; i < 4; i++)
        send_messages(client, 1);
    assert_false(peers.group.tight);
    send_messages(client, 1);
    assert_true(peers.group.tight);
    request_end(requests[0]);
    fake_peers_turn(&peers);
    assert_true(peers.group.tight); /* 440 KiB of 1024 */
    request_end(requests[0]);
    fake_peers_turn(&peers);
    assert_false(peers.group.tight);
    fake_peers_deinit(&peers);
}

static void test_beyond_the_limit_the_largest_connection_is_closed(void **state) {
    struct fake_client *small = begin(), *large = fake_client_new(&peers);
    peers.options.memory_limit = 1 << 20;
    held_by_request = 400 << 10;
    send_messages(small, 1);
    held_by_request = 700 << 10;
    send_messages(large, 1);
    fake_peers_turn(&peers);
    const char *text = fake_client_receive(large);
    assert_non_null(text);
    assert_non_null(strstr(text, "the daemon holds too much for its clients, and most of it for this connection"));
    assert_true(fake_client_is_closed(large));
    assert_int_equal(peers.census.connections, 1);
    assert_int_equal(peers.census.counters.refused, 1);
    assert_int_equal(request_count, 1);
    fake_peers_deinit(&peers);
}

static void test_an_unfinished_message_counts(void **state) {
    static char half[400 << 10];
    struct fake_client *client = begin();
    peers.options.memory_limit = 300 << 10;
    memset(half, '{', sizeof half);
    size_t sent = 0;
    for (int i = 0; i < 40 && peers.census.connections > 0; i++) {
        sent += fake_client_flood(client, half, sizeof half - sent % sizeof half);
        fake_peers_turn(&peers);
    }
    assert_int_equal(peers.census.connections, 0);
    assert_int_equal(peers.channels.held, 0);
    fake_peers_deinit(&peers);
}

static void test_connections_over_the_limit_are_told_so(void **state) {
    begin();
    peers.group.limit = 1;
    struct fake_client *second = fake_client_new(&peers);
    const char *text = fake_client_receive(second);
    assert_non_null(text);
    assert_non_null(strstr(text, "as many connections as it can have"));
    assert_true(fake_client_is_closed(second));
    assert_int_equal(peers.census.connections, 1);
    fake_peers_deinit(&peers);
}

static void test_a_half_closed_connection_waits_for_its_answers(void **state) {
    struct fake_client *client = begin();
    send_messages(client, 2);
    shutdown(client->fd, SHUT_WR);
    fake_peers_turn(&peers);
    assert_int_equal(peers.census.connections, 1);
    request_end(requests[0]);
    fake_peers_turn(&peers);
    assert_int_equal(peers.census.connections, 1);
    request_end(requests[0]);
    fake_peers_turn(&peers);
    assert_int_equal(peers.census.connections, 0);
    assert_true(fake_client_is_closed(client));
    fake_peers_deinit(&peers);
}

static void test_requests_end_with_their_connection(void **state) {
    struct fake_client *client = begin();
    send_messages(client, 5);
    fake_client_close(client);
    fake_peers_turn(&peers);
    assert_int_equal(request_count, 0);
    assert_int_equal(peers.census.jobs, 0);
    fake_peers_deinit(&peers);
}

static void on_other_ended(struct attachment *attachment) {
    struct connection *connection = peers.clients[0].connection;
    ended_others++;
    assert_int_equal(request_count, connection->open); /* before the requests */
    connection_detach(connection, attachment);
}

static void on_other_resumed(struct attachment *attachment) {
    resumed++;
}

static void test_other_attachments_are_resumed_and_ended(void **state) {
    static const struct attachment_events events = {.ended = on_other_ended, .resumed = on_other_resumed};
    struct attachment other;
    struct fake_client *client = begin();
    list_init(&other.link);
    connection_attach(client->connection, &other, &events);
    assert_int_equal(client->connection->open, 0);
    send_messages(client, 2);
    unsigned before = resumed;
    connection_send(client->connection, "{}", 2);
    fake_peers_turn(&peers);
    assert_true(resumed > before);
    fake_client_close(client);
    fake_peers_turn(&peers);
    assert_int_equal(ended_others, 1);
    assert_int_equal(request_count, 0);
    fake_peers_deinit(&peers);
}

static void test_idle_connections_are_closed_and_busy_ones_not(void **state) {
    struct fake_client *idle = begin(), *busy = fake_client_new(&peers);
    send_messages(busy, 1);
    uint64_t then = uv_now(&peers.loop);
    fake_clock_advance_ms(1000);
    fake_peers_turn(&peers);
    connection_group_close_idle(&peers.group, then - 1);
    assert_int_equal(peers.census.connections, 2);
    connection_group_close_idle(&peers.group, then + 500);
    fake_peers_turn(&peers);
    assert_int_equal(peers.census.connections, 1);
    assert_non_null(fake_client_receive(idle));
    assert_true(fake_client_is_closed(idle));
    fake_peers_deinit(&peers);
}

static void test_a_message_over_the_limit_is_refused_and_the_connection_lives(void **state) {
    static char text[3000];
    struct fake_client *client = begin();
    fake_client_close(client);
    peers.options.frame_limit = 2000;
    client = fake_client_new(&peers);
    memset(text, ' ', sizeof text - 1);
    text[0] = '{';
    fake_client_send(client, text);
    send_messages(client, 1);
    const char *answer = fake_client_receive(client);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "the message is over the limit"));
    assert_int_equal(request_count, 1);
    fake_peers_deinit(&peers);
}

/* The place of the other client's message among all, where the first client has sent `count` of `size` bytes before. */
static unsigned place_beside_a_flood(unsigned count, size_t size) {
    struct fake_client *flood = begin(), *other = fake_client_new(&peers);
    struct connection *wanted = other->connection;
    char *text = xmalloc(size + 1);
    memset(text, ' ', size);
    text[0] = '{';
    text[size - 1] = '}';
    text[size] = '\0';
    for (unsigned i = 0; i < count; i++)
        fake_client_send(flood, text);
    fake_client_send(other, "{}");
    fake_peers_turn(&peers);
    assert_int_equal(request_count, count + 1);
    unsigned place = 0;
    while (requests[place]->connection != wanted)
        place++;
    while (request_count > 0)
        request_end(requests[0]);
    free(text);
    fake_peers_deinit(&peers);
    return place;
}

/* In one turn a connection has sixteen messages, or 64 KiB, taken; then it is the others' turn. */
static void test_the_share_of_a_turn(void **state) {
    assert_in_range(place_beside_a_flood(60, 2), 0, 16);
    assert_in_range(place_beside_a_flood(12, 12000), 0, 6);
}

/* Whoever is not the user is told nothing, also where there are too many connections or no descriptors. */
static void test_another_user_is_told_nothing(void **state) {
    begin();
    fake_peer_uid = 12345;
    struct fake_client *other = fake_client_new(&peers);
    assert_null(fake_client_receive(other));
    assert_true(fake_client_is_closed(other));
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    connection_group_refuse(&peers.group, pair[1]);
    char byte;
    assert_int_equal(recv(pair[0], &byte, 1, 0), 0);
    close(pair[0]);
    fake_peer_uid = -1;
    assert_int_equal(peers.census.connections, 1);
    assert_int_equal(peers.census.counters.refused, 0);
    fake_peers_deinit(&peers);
}

static struct return_address *batch_address(struct request_batch *batch, struct fake_client *client, const char *id) {
    return return_address_new(client->connection, batch, id);
}

static void test_a_batch_is_answered_when_its_last_answer_is_there(void **state) {
    struct fake_client *client = begin();
    struct request_batch *batch = request_batch_new(client->connection);
    struct return_address *first = batch_address(batch, client, "1"), *second = batch_address(batch, client, "2"),
                          *notification = batch_address(batch, client, NULL);
    request_batch_leave(batch);
    return_address_result(second, (struct json_span){"{}", 2});
    return_address_result(notification, (struct json_span){"{}", 2});
    fake_peers_turn(&peers);
    assert_null(fake_client_receive(client));
    assert_true(client->connection->held > 0);
    return_address_unavailable(first, "no", true);
    fake_peers_turn(&peers);
    const char *text = fake_client_receive(client);
    assert_non_null(text);
    static const char wanted[] =
        "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}},{\"jsonrpc\":\"2.0\",\"id\":1,\"error\"";
    assert_memory_equal(text, wanted, sizeof wanted - 1);
    assert_int_equal(client->connection->held, 0);
    fake_peers_deinit(&peers);
}

static void test_a_batch_of_notifications_is_not_answered(void **state) {
    struct fake_client *client = begin();
    struct request_batch *batch = request_batch_new(client->connection);
    struct return_address *notification = batch_address(batch, client, NULL);
    request_batch_leave(batch);
    return_address_result(notification, (struct json_span){"{}", 2});
    fake_peers_turn(&peers);
    assert_null(fake_client_receive(client));
    fake_peers_deinit(&peers);
}

static void test_a_batch_whose_connection_goes(void **state) {
    struct fake_client *client = begin();
    struct request_batch *batch = request_batch_new(client->connection);
    struct return_address *first = batch_address(batch, client, "1"), *second = batch_address(batch, client, "2");
    request_batch_leave(batch);
    return_address_result(first, (struct json_span){"{}", 2});
    return_address_drop(second);
    assert_int_equal(client->connection->held, 0);
    fake_peers_turn(&peers);
    assert_null(fake_client_receive(client));
    fake_peers_deinit(&peers);
}

static struct json_span hooked_result, hooked_error;
static unsigned hooked;

static void on_hooked(void *owner, struct json_span result, struct json_span error) {
    hooked_result = result;
    hooked_error = error;
    hooked++;
}

static void test_a_hook_is_called_once(void **state) {
    struct fake_client *client = begin();
    hooked = 0;
    return_address_result(return_address_new_hooked(client->connection, on_hooked, NULL), (struct json_span){"{}", 2});
    assert_int_equal(hooked, 1);
    assert_true(hooked_result.text != NULL && hooked_error.text == NULL);
    return_address_unavailable(return_address_new_hooked(client->connection, on_hooked, NULL), "no", true);
    assert_int_equal(hooked, 2);
    assert_true(hooked_result.text == NULL && hooked_error.text != NULL);
    return_address_drop(return_address_new_hooked(client->connection, on_hooked, NULL));
    assert_int_equal(hooked, 3);
    assert_true(hooked_result.text == NULL && hooked_error.text == NULL);
    assert_int_equal(client->connection->held, 0);
    fake_peers_deinit(&peers);
}

static void test_ids_are_charged(void **state) {
    char id[4000];
    struct fake_client *client = begin();
    memset(id, '1', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    struct return_address *address = return_address_new(client->connection, NULL, id);
    assert_true(client->connection->held >= sizeof id - 1 + sizeof *address);
    assert_int_equal(peers.census.held, client->connection->held);
    return_address_unavailable(address, "no", true);
    assert_int_equal(peers.census.held, 0);
    address = return_address_new(client->connection, NULL, id);
    return_address_drop(address);
    assert_int_equal(peers.census.held, 0);
    fake_peers_deinit(&peers);
}

/* Closing a connection can end the last job, on which the owner closes others: no list may be walked meanwhile. */
static void finish_all(struct census *census) {
    if (census->jobs == 0)
        connection_group_finish(&peers.group);
}

static void test_all_can_be_closed_while_the_last_job_ends(void **state) {
    struct fake_client *first = begin();
    fake_client_new(&peers);
    fake_client_new(&peers);
    peers.census.changed = finish_all;
    send_messages(first, 1);
    connection_group_close(&peers.group);
    fake_peers_turn(&peers);
    assert_int_equal(peers.census.connections, 0);
    fake_peers_deinit(&peers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_many_open_requests_stop_the_reading),
        cmocka_unit_test(test_unread_answers_stop_the_reading),
        cmocka_unit_test(test_what_is_held_is_counted_and_released),
        cmocka_unit_test(test_half_of_the_memory_holds_busy_connections_back),
        cmocka_unit_test(test_memory_stays_tight_down_to_three_eighths),
        cmocka_unit_test(test_beyond_the_limit_the_largest_connection_is_closed),
        cmocka_unit_test(test_an_unfinished_message_counts),
        cmocka_unit_test(test_connections_over_the_limit_are_told_so),
        cmocka_unit_test(test_a_half_closed_connection_waits_for_its_answers),
        cmocka_unit_test(test_requests_end_with_their_connection),
        cmocka_unit_test(test_other_attachments_are_resumed_and_ended),
        cmocka_unit_test(test_idle_connections_are_closed_and_busy_ones_not),
        cmocka_unit_test(test_a_message_over_the_limit_is_refused_and_the_connection_lives),
        cmocka_unit_test(test_the_share_of_a_turn),
        cmocka_unit_test(test_another_user_is_told_nothing),
        cmocka_unit_test(test_a_batch_is_answered_when_its_last_answer_is_there),
        cmocka_unit_test(test_a_batch_of_notifications_is_not_answered),
        cmocka_unit_test(test_a_batch_whose_connection_goes),
        cmocka_unit_test(test_a_hook_is_called_once),
        cmocka_unit_test(test_ids_are_charged),
        cmocka_unit_test(test_all_can_be_closed_while_the_last_job_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
