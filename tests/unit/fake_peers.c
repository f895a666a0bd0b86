/* Non-blocking sockets on both sides: a turn of the loop moves everything that can be moved. */
#include "tests/unit/fake_peers.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

long fake_peer_uid = -1;

/* The definition takes the place of libc's. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *len) {
    int status = (int)syscall(SYS_getsockopt, fd, level, name, value, len);
    if (status == 0 && level == SOL_SOCKET && name == SO_PEERCRED && fake_peer_uid >= 0)
        ((struct ucred *)value)->uid = (uid_t)fake_peer_uid;
    return status;
}

static void ignore_message(struct connection *connection, const char *text, size_t len) {
}

static struct connection_events events;

static void on_alive(uv_check_t *check) {
}

void fake_peers_init(struct fake_peers *peers, void (*message)(struct connection *, const char *, size_t)) {
    *peers = (struct fake_peers){
        .options = {.workers = 2,
                    .job_timeout_ms = 60000,
                    .start_timeout_s = 30,
                    .connection_limit = 16,
                    .frame_limit = 1 << 20,
                    .open_limit = 1024,
                    .pending_limit = 4 << 20,
                    .memory_limit = (size_t)512 << 20},
    };
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    events.message = message ? message : ignore_message;
    uv_replace_allocator(xmalloc, xrealloc, xcalloc, free); /* as the daemon does */
    assert_int_equal(uv_loop_init(&peers->loop), 0);
    uv_check_init(&peers->loop, &peers->alive);
    uv_check_start(&peers->alive, on_alive);
    channel_group_init(&peers->channels, &peers->loop);
    connection_group_init(&peers->group, &peers->channels, &peers->options, &peers->census, &events);
}

void fake_peers_turn(struct fake_peers *peers) {
    for (int i = 0; i < 12; i++)
        uv_run(&peers->loop, UV_RUN_NOWAIT);
}

void fake_peers_deinit(struct fake_peers *peers) {
    for (unsigned i = 0; i < peers->client_count; i++) {
        fake_client_close(&peers->clients[i]);
        frame_reader_deinit(&peers->clients[i].in);
    }
    fake_peers_turn(peers);
    assert_int_equal(peers->census.connections, 0);
    assert_int_equal(peers->census.jobs, 0);
    assert_int_equal(peers->census.held, 0);
    channel_group_close(&peers->channels);
    uv_close((uv_handle_t *)&peers->alive, NULL);
    fake_peers_turn(peers);
    assert_int_equal(uv_loop_close(&peers->loop), 0);
    recent_deinit(&peers->census.recent);
}

struct fake_client *fake_client_new(struct fake_peers *peers) {
    int pair[2];
    assert_true(peers->client_count < FAKE_CLIENTS_MAX);
    struct fake_client *client = &peers->clients[peers->client_count++];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    connection_group_accept(&peers->group, pair[1]);
    *client = (struct fake_client){.fd = pair[0]};
    if (!list_empty(&peers->group.connections))
        client->connection = list_entry(peers->group.connections.prev, struct connection, link);
    frame_reader_init(&client->in, (size_t)1 << 30);
    return client;
}

size_t fake_client_flood(struct fake_client *client, const char *data, size_t len) {
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(client->fd, data + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    return sent;
}

void fake_client_send(struct fake_client *client, const char *text) {
    assert_int_equal(fake_client_flood(client, text, strlen(text)), strlen(text));
    assert_int_equal(fake_client_flood(client, "\n", 1), 1);
}

static ssize_t fake_client_read(struct fake_client *client) {
    ssize_t n = recv(client->fd, frame_reader_reserve(&client->in, 65536), 65536, 0);
    if (n > 0)
        frame_reader_commit(&client->in, (size_t)n);
    return n;
}

const char *fake_client_receive(struct fake_client *client) {
    static struct buffer message;
    const char *text;
    size_t len;
    while (frame_reader_next(&client->in, &text, &len) != FRAME_READY)
        if (fake_client_read(client) <= 0)
            return NULL;
    message.len = 0;
    buffer_append(&message, text, len);
    return buffer_string(&message);
}

bool fake_client_is_closed(struct fake_client *client) {
    ssize_t n = fake_client_read(client);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

void fake_client_close(struct fake_client *client) {
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

void fake_client_expect(struct fake_client *client, unsigned id, const char *part) {
    char wanted[32];
    const char *answer = fake_client_receive(client);
    snprintf(wanted, sizeof wanted, "\"id\":%u,", id);
    if (answer == NULL)
        fail_msg("no answer to request %u", id);
    else if (strstr(answer, wanted) == NULL || strstr(answer, part) == NULL)
        fail_msg("%s is no answer to request %u with %s", answer, id, part);
}
