/* What tests/torture/run runs for the remote tier: stores and looks up entries while memory fails, hiredis's above all,
 * and has no wish but that nothing wrong comes back. The server is a child that speaks enough of Redis's protocol.
 *
 * Exits with 1 and a word where an entry is not the one that was put, or a lookup takes longer than it may. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "cache/remote/remote.h"

#define ENTRIES 12u
#define TIMEOUT_MS 2000
#define ARGUMENTS_MAX 4

static _Noreturn void wrong(const char *what) {
    fprintf(stderr, "wrong: %s\n", what);
    exit(1);
}

/* The server. It allocates nothing. */

struct argument {
    const char *data;
    size_t len;
};

/* What the server keeps: shared by the processes that serve one connection each. */
struct kept {
    char name[100], value[8 << 10];
    size_t name_len, len;
};
static struct kept *kept;

/* Takes one command apart that begins at `at`. Returns where it ends, or NULL: it is not all there. */
static const char *server_parse(const char *at, const char *end, struct argument *arguments, size_t *count) {
    char *next;
    if (memchr(at, '\n', (size_t)(end - at)) == NULL)
        return NULL;
    *count = strtoul(at + 1, &next, 10);
    at = next + 2;
    for (size_t i = 0; i < *count && i < ARGUMENTS_MAX; i++) {
        if (at >= end || memchr(at, '\n', (size_t)(end - at)) == NULL)
            return NULL;
        arguments[i].len = strtoul(at + 1, &next, 10);
        arguments[i].data = next + 2;
        at = arguments[i].data + arguments[i].len + 2;
        if (at > end)
            return NULL;
    }
    return at;
}

static void server_send(int fd, const void *data, size_t len) {
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        _exit(0);
}

static void server_answer(int fd, const struct argument *arguments, size_t count) {
    size_t i = 0;
    char head[32];
    if (*arguments->data == 'A' || arguments->len != 3) { /* AUTH and SELECT; what is left is GET and SET */
        server_send(fd, "+OK\r\n", 5);
        return;
    }
    while (i < ENTRIES - 1 && kept[i].name_len != 0 &&
           (kept[i].name_len != arguments[1].len || memcmp(kept[i].name, arguments[1].data, arguments[1].len) != 0))
        i++;
    if (*arguments->data == 'S') {
        kept[i].name_len = arguments[1].len;
        memcpy(kept[i].name, arguments[1].data, arguments[1].len);
        kept[i].len = arguments[2].len;
        memcpy(kept[i].value, arguments[2].data, arguments[2].len);
        server_send(fd, "+OK\r\n", 5);
    } else if (kept[i].name_len == 0) {
        server_send(fd, "$-1\r\n", 5);
    } else {
        server_send(fd, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", kept[i].len));
        server_send(fd, kept[i].value, kept[i].len);
        server_send(fd, "\r\n", 2);
    }
}

static void server_serve(int fd) {
    static char bytes[128 << 10];
    struct argument arguments[ARGUMENTS_MAX];
    size_t len = 0, count;
    ssize_t got;
    while ((got = recv(fd, bytes + len, sizeof bytes - len, 0)) > 0) {
        const char *at = bytes, *next;
        len += (size_t)got;
        while (at < bytes + len && (next = server_parse(at, bytes + len, arguments, &count)) != NULL) {
            server_answer(fd, arguments, count);
            at = next;
        }
        len -= (size_t)(at - bytes);
        memmove(bytes, at, len);
    }
}

static void server_accept(int listener) {
    int fd;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            server_serve(fd);
            _exit(0);
        }
        close(fd);
    }
    _exit(0);
}

static void server_run(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0)
        wrong("the server cannot listen");
    kept = mmap(NULL, ENTRIES * sizeof *kept, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (kept == MAP_FAILED)
        wrong("the server has no memory");
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0)
        server_accept(listener);
    close(listener);
}

/* The client. */

static struct store_key key_of(unsigned n) {
    struct store_key key;
    memset(key.bytes, (int)n, sizeof key.bytes);
    return key;
}

static void fill(unsigned n, struct buffer *entry) {
    for (size_t i = 0; i < 1 + n * 500; i++)
        buffer_append_char(entry, (char)(n * 31 + i));
}

static void put_all(struct remote *remote) {
    for (unsigned n = 0; n < ENTRIES; n++) {
        struct buffer entry = {0};
        struct store_key key = key_of(n);
        fill(n, &entry);
        remote_put(remote, &key, entry.data, entry.len);
        buffer_deinit(&entry);
    }
}

static unsigned get_all(struct remote *remote) {
    unsigned found = 0;
    for (unsigned n = 0; n < ENTRIES; n++) {
        struct buffer wanted = {0}, entry = {0};
        struct store_key key = key_of(n);
        int64_t began = clock_ms();
        fill(n, &wanted);
        struct remote_ticket ticket = remote_ask(remote, &key);
        if (remote_take(remote, &key, &ticket, &entry)) {
            found++;
            if (entry.len != wanted.len || memcmp(entry.data, wanted.data, wanted.len) != 0)
                wrong("an entry is not what was put");
        }
        if (clock_ms() - began > 2 * TIMEOUT_MS)
            wrong("a lookup takes too long");
        buffer_deinit(&wanted);
        buffer_deinit(&entry);
    }
    return found;
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/pycompiled-torture-XXXXXX", path[100], text[200], *why = NULL;
    int fd;
    if (argc == 2)
        return access(argv[1], F_OK) != 0; /* nothing is left there that matters */
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(text, sizeof text, "unix://user:password@%s?db=1", path);
    server_run(path);
    struct remote_address address;
    if (remote_address_parse(text, &address, &why) < 0)
        wrong("the URL is refused");
    struct remote_state *state = remote_state_new(&fd);
    if (state == NULL)
        wrong("there is no state");
    struct remote_setting setting = {&address, "a secret of the farm", TIMEOUT_MS, false, state};
    struct remote *remote = remote_new(&setting);
    put_all(remote);
    remote_drain(remote, TIMEOUT_MS);
    get_all(remote);
    get_all(remote);
    printf("%u found\n", get_all(remote));
    return 0;
}
