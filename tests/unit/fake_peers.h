/* A daemon's lower half for unit tests: a loop that is turned by hand, clients at the other end of socketpairs, and the
 * structures that connections share. Everything happens at once: nothing waits, and no process is started. */
#pragma once

#include "tests/unit/check.h"

#include "daemon/peers/connection_group.h"
#include "daemon/peers/return_address.h"

#define FAKE_CLIENTS_MAX 16

struct fake_client {
    int fd; /* the client's end; -1: closed */
    struct connection *connection;
    struct frame_reader in;
};

struct fake_peers {
    uv_loop_t loop;
    uv_check_t alive; /* keeps the loop turning while nothing can be read, as the daemon's listener does */
    struct options options;
    struct census census;
    struct channel_group channels;
    struct connection_group group;
    struct fake_client clients[FAKE_CLIENTS_MAX];
    unsigned client_count;
};

/* The user at the other end of sockets, as the kernel names it (SO_PEERCRED); -1: the real one. */
extern long fake_peer_uid;

/* With the daemon's usual limits. `message` is called with the clients' messages; it may be NULL. */
void fake_peers_init(struct fake_peers *peers, void (*message)(struct connection *, const char *, size_t));

/* Closes all clients, and checks that nothing is left. */
void fake_peers_deinit(struct fake_peers *peers);

/* Turns the loop until nothing more happens. */
void fake_peers_turn(struct fake_peers *peers);

/* Connects a client. */
struct fake_client *fake_client_new(struct fake_peers *peers);

/* Sends a message as a line. */
void fake_client_send(struct fake_client *client, const char *text);

/* Sends bytes until the socket takes no more; returns how many. */
size_t fake_client_flood(struct fake_client *client, const char *data, size_t len);

/* The next message from the daemon, or NULL; valid until the next call. */
const char *fake_client_receive(struct fake_client *client);

/* Whether the daemon has closed the connection (and all messages have been received). */
bool fake_client_is_closed(struct fake_client *client);

/* Closes the client's end. */
void fake_client_close(struct fake_client *client);

/* Checks that the client has that answer next: the id, and a text that is part of it. */
void fake_client_expect(struct fake_client *client, unsigned id, const char *part);
