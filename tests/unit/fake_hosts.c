/* The driver's start keeps duplicates of the host's ends of the sockets. */
#include "tests/unit/fake_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fake_hosts *current;

static int keep(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    assert_true(copy >= 0);
    fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK);
    return copy;
}

static int fake_start(struct host_process *process, uv_loop_t *loop, const struct host_command *command) {
    current->starts++;
    if (current->start_error != 0) {
        assert_true(current->failed_count < FAKE_HOSTS_MAX);
        current->failed[current->failed_count++] = process;
        return current->start_error;
    }
    assert_true(current->host_count < FAKE_HOSTS_MAX && command->workers <= FAKE_WORKERS_MAX);
    struct fake_host *host = &current->hosts[current->host_count++];
    *host = (struct fake_host){.process = process, .kind = command->kind, .workers = command->workers};
    process->pid = 1000 + (int)current->host_count;
    host->control = keep(command->fds[0]);
    for (unsigned i = 0; i < command->workers; i++) {
        host->fds[i] = keep(command->fds[i + 1]);
        frame_reader_init(&host->in[i], (size_t)1 << 24);
        host->in[i].framing = FRAMING_HEADERS;
    }
    return 0;
}

static void fake_kill(struct host_process *process, bool exited) {
    for (unsigned i = 0; i < current->host_count; i++)
        if (current->hosts[i].process == process && !current->hosts[i].gone)
            current->hosts[i].killed = true;
}

static long fake_oom_kills(void) {
    return current->oom_kills;
}

static const struct host_driver fake_driver = {
    .start = fake_start,
    .kill = fake_kill,
    .oom_kills = fake_oom_kills,
};

void fake_hosts_init(struct fake_hosts *fakes, const char *python, unsigned workers) {
    memset(fakes, 0, sizeof *fakes);
    current = fakes;
    fakes->warms_by_itself = true;
    fake_peers_init(&fakes->peers, NULL);
    fakes->peers.options.workers = workers;
    struct host_group model = {
        .driver = &fake_driver,
        .loop = &fakes->peers.loop,
        .channels = &fakes->peers.channels,
        .options = &fakes->peers.options,
        .census = &fakes->peers.census,
        .remote_fd = -1,
    };
    fakes->pool = pool_new(&model, python, "/fake/pycompile-host");
}

static void fake_host_end(struct fake_host *host, int exit_status, int signal) {
    struct host_process *process = host->process;
    host->gone = true;
    close(host->control);
    for (unsigned i = 0; i < host->workers; i++) {
        close(host->fds[i]);
        frame_reader_deinit(&host->in[i]);
    }
    process->events->exited(process, exit_status, signal);
    process->events->closed(process);
}

/* Whether the pool has closed its end, or its sending side, of a worker's socket. */
static bool is_asked_to_leave(const struct fake_host *host) {
    char byte;
    return recv(host->control, &byte, 1, MSG_PEEK) == 0;
}

void fake_hosts_turn(struct fake_hosts *fakes) {
    for (int i = 0; i < 4; i++) {
        fake_peers_turn(&fakes->peers);
        while (fakes->failed_count > 0) {
            struct host_process *process = fakes->failed[--fakes->failed_count];
            process->events->closed(process);
        }
        for (unsigned j = 0; j < fakes->host_count; j++) {
            struct fake_host *host = &fakes->hosts[j];
            for (unsigned k = 0; fakes->warms_by_itself && !host->gone && k < host->workers; k++)
                fake_host_warm(host, k);
            if (!host->gone && host->killed)
                fake_host_end(host, 0, SIGKILL);
            else if (!host->gone && !fakes->stays && is_asked_to_leave(host))
                fake_host_end(host, 0, 0);
        }
    }
    fake_peers_turn(&fakes->peers);
}

void fake_hosts_deinit(struct fake_hosts *fakes) {
    fakes->peers.census.draining = true;
    pool_drain(fakes->pool);
    for (int i = 0; i < 40 && fakes->peers.census.hosts > 0; i++) { /* cleanups start hosts, and are given up */
        pool_kill(fakes->pool);
        fake_hosts_turn(fakes);
    }
    assert_int_equal(fakes->peers.census.hosts, 0);
    pool_close(fakes->pool);
    fake_peers_turn(&fakes->peers);
    fakes->pool = pool_free(fakes->pool);
    fake_peers_deinit(&fakes->peers);
}

struct job *fake_hosts_new_job(struct fake_hosts *fakes, struct fake_client *client, unsigned id, const char *file,
                               enum job_kind kind) {
    char id_text[16], params[96];
    snprintf(id_text, sizeof id_text, "%u", id);
    snprintf(params, sizeof params, "{\"file\":\"%s\"}", file);
    struct return_address *address = return_address_new(client->connection, NULL, id_text);
    struct job *job =
        pool_new_job(fakes->pool, client->connection, address, kind, (struct json_span){params, strlen(params)});
    job->priority = PRIORITY_NORMAL;
    job->timeout_ms = fakes->peers.options.job_timeout_ms;
    return job;
}

struct job *fake_hosts_submit(struct fake_hosts *fakes, struct fake_client *client, unsigned id, const char *file) {
    struct job *job = fake_hosts_new_job(fakes, client, id, file, JOB_COMPILE);
    pool_submit(fakes->pool, job);
    fake_hosts_turn(fakes);
    return job;
}

static bool read_message(struct fake_host *host, unsigned worker, struct rpc_message *message) {
    const char *text, *why;
    size_t len;
    struct frame_reader *in = &host->in[worker];
    while (frame_reader_next(in, &text, &len) != FRAME_READY) {
        ssize_t n = recv(host->fds[worker], frame_reader_reserve(in, 65536), 65536, 0);
        if (n <= 0)
            return false;
        frame_reader_commit(in, (size_t)n);
    }
    assert_int_equal(rpc_parse(text, len, message, &why), 0);
    return true;
}

static void copy_string(struct json_span value, char *to, size_t size) {
    to[0] = '\0';
    if (value.text != NULL && value.len >= 2)
        snprintf(to, size, "%.*s", (int)value.len - 2, value.text + 1);
}

bool fake_host_take(struct fake_host *host, unsigned worker, struct fake_request *request) {
    struct rpc_message message;
    if (host->gone || !read_message(host, worker, &message))
        return false;
    request->id = (unsigned)strtoul(message.id, NULL, 10);
    snprintf(request->method, sizeof request->method, "%s", message.method);
    copy_string(message.params.text ? json_member(message.params.text, message.params.len, "file") : message.params,
                request->file, sizeof request->file);
    rpc_message_deinit(&message);
    return true;
}

struct fake_request fake_host_expect(struct fake_host *host, unsigned worker, const char *file) {
    struct fake_request request = {0};
    if (!fake_host_take(host, worker, &request))
        fail_msg("worker %u has not been asked for %s", worker, file);
    assert_string_equal(request.method, "compile");
    assert_string_equal(request.file, file);
    return request;
}

static void send_message(int fd, const char *text) {
    struct buffer out = {0};
    frame_write(FRAMING_HEADERS, text, strlen(text), &out);
    assert_int_equal(send(fd, out.data, out.len, MSG_NOSIGNAL), out.len);
    buffer_deinit(&out);
}

/* Peeks: a worker that is not asked to warm up is left alone. */
void fake_host_warm(struct fake_host *host, unsigned worker) {
    char head[256];
    ssize_t n = recv(host->fds[worker], head, sizeof head - 1, MSG_PEEK);
    head[n > 0 ? n : 0] = '\0';
    if (strstr(head, "\"warm\"") == NULL)
        return;
    struct fake_request request;
    assert_true(fake_host_take(host, worker, &request));
    assert_string_equal(request.method, "warm");
    send_message(host->fds[worker], "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}");
}

void fake_host_answer(struct fake_hosts *fakes, struct fake_host *host, unsigned worker, unsigned id,
                      const char *answer) {
    char text[256];
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%u,%s}", id, answer);
    send_message(host->fds[worker], text);
    fake_hosts_turn(fakes);
}

void fake_host_report(struct fake_host *host, const char *method, const char *params) {
    char text[256];
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":%s}", method, params);
    send_message(host->control, text);
}

void fake_host_die(struct fake_hosts *fakes, struct fake_host *host, int exit_status, int signal) {
    fake_peers_turn(&fakes->peers);
    fake_host_end(host, exit_status, signal);
    fake_hosts_turn(fakes);
}

void fake_host_hang_up(struct fake_host *host, unsigned worker) {
    shutdown(host->fds[worker], SHUT_RDWR);
}

void fake_host_die_open(struct fake_hosts *fakes, struct fake_host *host, int signal) {
    fake_peers_turn(&fakes->peers);
    host->gone = true; /* its descriptors stay open to the end of the program */
    for (unsigned i = 0; i < host->workers; i++)
        frame_reader_deinit(&host->in[i]);
    host->process->events->exited(host->process, 0, signal);
    host->process->events->closed(host->process);
    fake_hosts_turn(fakes);
}

static void announce(int fd, size_t len) {
    char head[64];
    int n = snprintf(head, sizeof head, "Content-Length: %zu\r\n\r\n", len);
    assert_int_equal(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
}

void fake_host_announce(struct fake_host *host, unsigned worker, size_t len) {
    announce(host->fds[worker], len);
}

void fake_host_announce_report(struct fake_host *host, size_t len) {
    announce(host->control, len);
}
