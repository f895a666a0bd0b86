/* A load for bench/scale: clients that ask the server for compiles as pycompileall-client does, and do nothing with the
 * answers. They are connections of one thread. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "proto/frame.h"
#include "proto/rpc.h"

#define CLIENTS_MAX 256
#define READ_SIZE 65536
#define PARAMS_SIZE 512

struct load_client {
    int fd;
    struct frame_reader in;
    struct buffer out;
    unsigned open;
    long left; /* requests that are still to be sent */
    long sent;
};

static _Noreturn void load_die(const char *why) {
    fprintf(stderr, "scale_load: %s\n", why);
    exit(1);
}

static void load_connect(struct load_client *client, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0)
        load_die("cannot connect");
    frame_reader_init(&client->in, FRAME_LIMIT_DEFAULT);
}

/* Sends requests until as many are open as may be: the same parameters as pycompileall-client's. */
static void load_send(struct load_client *client, unsigned window) {
    char id[24], params[PARAMS_SIZE];
    for (; client->open < window && client->left > 0; client->left--, client->open++) {
        snprintf(id, sizeof id, "%ld", client->sent++);
        int len = snprintf(params, sizeof params,
                           "{\"cwd\":\"/home/somebody/project\",\"umask\":18,\"python\":\"3.99\",\"file\":"
                           "\"package/folder/module%06ld.py\",\"places\":[\"2049:1234567:package/folder\"]}",
                           client->sent);
        rpc_write_request(&client->out, id, "compile", params, (size_t)len);
        buffer_append_char(&client->out, '\n');
    }
    if (client->out.len > 0 && io_send_all(client->fd, client->out.data, client->out.len) < 0)
        load_die("cannot send");
    client->out.len = 0;
}

static void load_receive(struct load_client *client) {
    const char *text;
    size_t len;
    ssize_t got = recv(client->fd, frame_reader_reserve(&client->in, READ_SIZE), READ_SIZE, 0);
    if (got <= 0)
        load_die("the server has closed a connection");
    frame_reader_commit(&client->in, (size_t)got);
    while (frame_reader_next(&client->in, &text, &len) == FRAME_READY) {
        if (memmem(text, len, "\"outcome\":\"compiled\"", 20) == NULL)
            load_die("a request has failed");
        client->open--;
    }
}

static void load_run(struct load_client *clients, unsigned count, unsigned window) {
    struct pollfd polled[CLIENTS_MAX];
    for (unsigned i = 0; i < count; i++) {
        polled[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
        load_send(&clients[i], window);
    }
    for (unsigned working = count; working > 0;) {
        if (poll(polled, count, -1) < 0 && errno != EINTR)
            load_die("cannot wait");
        working = 0;
        for (unsigned i = 0; i < count; i++) {
            if (polled[i].revents != 0)
                load_receive(&clients[i]);
            load_send(&clients[i], window);
            working += clients[i].open > 0;
        }
    }
}

/* Prints the seconds that all requests took. */
int main(int argc, char **argv) {
    static struct load_client clients[CLIENTS_MAX];
    if (argc != 5)
        load_die("SOCKET CLIENTS OPEN-REQUESTS-OF-EACH REQUESTS");
    unsigned count = (unsigned)atoi(argv[2]), window = (unsigned)atoi(argv[3]);
    if (count == 0 || count > CLIENTS_MAX || window == 0)
        load_die("numbers out of range");
    for (unsigned i = 0; i < count; i++) {
        load_connect(&clients[i], argv[1]);
        clients[i].left = atol(argv[4]) / count;
    }
    int64_t start_us = clock_us();
    load_run(clients, count, window);
    printf("%.6f\n", (double)(clock_us() - start_us) / 1e6);
    return 0;
}
