/* Fuzzes the replies of a remote cache's server: whatever it sends to a SET and to a GET, only replies of a type that
 * the command has come through, and no more bytes than it has sent. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "cache/remote/redis_link.h"
#include "tests/fuzz/deadline.h"

#define REPLIES_MAX 40

#define DEADLINE_MS 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redis_url url;

static void require(bool truth) {
    if (!truth)
        abort();
}

/* A socket on which this process listens to itself. */
static int listen_once(void) {
    static int fd = -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (fd >= 0)
        return fd;
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/pycompiled-fuzz-redis-%d", (int)getpid());
    unlink(address.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    require(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 10) == 0);
    url.path = xstrdup(address.sun_path);
    return fd;
}

static bool receive(struct redis_link *link, bool set, size_t size) {
    struct redis_link_reply reply;
    redis_link_receive(link, set, clock_ms() + 1000, &reply);
    bool fine = reply.answer != REDIS_LINK_BROKEN;
    require(reply.answer == REDIS_LINK_REFUSED || !fine || set == (reply.answer == REDIS_LINK_DONE));
    require(!fine || reply.len <= size);
    require(fine || redis_link_why(link) != NULL);
    require(reply.answer != REDIS_LINK_REFUSED || strlen(reply.data) <= reply.len);
    redis_link_reply_free(&reply);
    return fine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *why = NULL;
    int listener = listen_once();
    struct redis_link *link = redis_link_open(&url, clock_ms() + 1000, &why);
    require(link != NULL);
    int peer = accept(listener, NULL, NULL);
    require(peer >= 0 && send(peer, data, size, MSG_NOSIGNAL) == (ssize_t)size && shutdown(peer, SHUT_WR) == 0);
    long begin = deadline_cpu_ms();
    for (int i = 0; i < REPLIES_MAX; i++) {
        if (i % 2)
            redis_link_get(link, "name");
        else
            redis_link_set(link, "name", "value", 5);
    }
    bool fine = redis_link_send(link, clock_ms() + 1000) == 0;
    for (int i = 0; fine && i < REPLIES_MAX; i++)
        fine = receive(link, i % 2 == 0, size);
    deadline_check(begin, DEADLINE_MS);
    redis_link_close(link);
    close(peer);
    return 0;
}
