/* pycompilectl start, stop and restart. */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/paths.h"
#include "client/autostart.h"
#include "client/connect.h"
#include "client/ctl/sockets.h"
#include "proto/json.h"

#define POLL_MS 20
/* A daemon that hangs up without an answer is leaving. Its socket may outlive that by this time. */
#define LEAVING_MS 1000
#define START_TRIES 5
/* How long a daemon that is ended by force may take to answer. */
#define FORCE_MS 2000

/* The daemon's status, which the caller deletes, or NULL and a message, which the caller frees. */
static cJSON *ask_status(struct rpc_client *client, int wait_ms, char **why) {
    return rpc_client_call(client, "status", NULL, clock_ms() + wait_ms, why);
}

static pid_t pid_of(const cJSON *status) {
    return (pid_t)json_get_integer(status, "pid", 1, INT_MAX, 0);
}

/* A descriptor that becomes readable when the process has ended, or a negative value. */
static int watch_process(pid_t pid) {
    return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

/* Returns false after the deadline, and if the descriptor cannot be polled. */
static bool wait_readable(int fd, int64_t deadline) {
    struct pollfd p = {fd, POLLIN, 0};
    int ready;
    while ((ready = poll(&p, 1, clock_left(deadline))) < 0 && errno == EINTR)
        ;
    return ready > 0;
}

/* Waits until no process listens on the socket. */
static bool wait_absent(const char *path, int64_t deadline) {
    char *why;
    bool absent = false;
    for (;;) {
        int fd;
        enum connect_status status = connect_daemon(path, &fd, &why);
        free(why);
        if (status == CONNECT_OK)
            close(fd);
        absent = connect_is_absent(status);
        if (absent || clock_left(deadline) == 0)
            break;
        clock_sleep_ms(POLL_MS);
    }
    return absent;
}

/* Waits until the daemon has closed the connection and its process has ended. */
static bool wait_gone(struct rpc_client *client, const char *path, int process_fd, int64_t deadline) {
    struct rpc_answer answer;
    for (;;) {
        if (!wait_readable(client->fd, deadline))
            return false;
        if (rpc_client_read(client) == RPC_STEP_CLOSED)
            break;
        while (rpc_client_next(client, &answer) == RPC_STEP_ANSWER)
            ;
    }
    return process_fd >= 0 ? wait_readable(process_fd, deadline) : wait_absent(path, deadline);
}

/* Asks the daemon to leave and waits. */
static int stop(struct rpc_client *client, const char *path, int wait_ms) {
    char *why;
    cJSON *status = ask_status(client, CTL_DEADLINE_MS, &why);
    pid_t pid = pid_of(status);
    if (status == NULL && wait_absent(path, clock_ms() + LEAVING_MS)) {
        free(why);
        puts("pycompiled stopped");
        return 0;
    }
    if (status == NULL)
        return ctl_fail(why);
    cJSON_Delete(status);
    int process_fd = watch_process(pid);
    int64_t deadline = clock_ms() + wait_ms;
    cJSON *result = rpc_client_call(client, "shutdown", NULL, clock_ms() + CTL_DEADLINE_MS, &why);
    bool gone = wait_gone(client, path, process_fd, deadline);
    if (process_fd >= 0)
        close(process_fd);
    if (gone)
        printf("pycompiled stopped (pid %ld)\n", (long)pid);
    else if (result == NULL)
        ctl_fail(xasprintf("the daemon (pid %ld) does not stop: %s", (long)pid, why));
    else
        ctl_fail(xasprintf("the daemon (pid %ld) still finishes what runs after %d s", (long)pid, wait_ms / 1000));
    cJSON_Delete(result);
    free(why);
    return gone ? 0 : 1;
}

/* Whether the process is a daemon. The socket may have been made by another, as systemd. */
static bool is_daemon(pid_t pid) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%ld/exe", (long)pid);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len <= 0)
        return false;
    path[len] = '\0';
    const char *slash = strrchr(path, '/');
    return slash != NULL && strncmp(slash, "/pycompiled", strlen("/pycompiled")) == 0;
}

/* Lets the daemon leave where it does so within the time; else kills it. A hung one does not answer at all. */
static int stop_by_force(struct rpc_client *client, int wait_ms) {
    char *why = NULL;
    pid_t pid = connect_peer(client->fd);
    int process_fd = watch_process(pid);
    if (process_fd < 0 || !is_daemon(pid)) {
        if (process_fd >= 0)
            close(process_fd);
        const char *finding =
            paths_has_proc() ? "is no pycompiled" : "is not known without /proc, which is not mounted";
        return ctl_fail(xasprintf("the process that listens (pid %ld) %s: it is left alone", (long)pid, finding));
    }
    cJSON *status = ask_status(client, wait_ms < FORCE_MS ? wait_ms : FORCE_MS, &why);
    free(why);
    cJSON *result = status ? rpc_client_call(client, "shutdown", NULL, clock_ms() + FORCE_MS, &why) : NULL;
    if (status != NULL)
        free(why);
    bool gone = result != NULL && wait_readable(process_fd, clock_ms() + wait_ms);
    bool killed = !gone && syscall(SYS_pidfd_send_signal, process_fd, SIGKILL, NULL, 0) == 0;
    gone = gone || wait_readable(process_fd, clock_ms() + CTL_DEADLINE_MS);
    close(process_fd);
    cJSON_Delete(status);
    cJSON_Delete(result);
    if (!gone)
        return ctl_fail(xasprintf("the daemon (pid %ld) cannot be ended", (long)pid));
    printf("pycompiled %s (pid %ld)\n", killed ? "killed" : "stopped", (long)pid);
    return 0;
}

/* Stops the daemon on that socket. Sets *found if there is one. Returns an exit status. */
static int stop_if_running(const char *path, int wait_ms, bool force, bool *found) {
    struct rpc_client client;
    int running = ctl_connect(&client, path);
    if (running <= 0)
        return running < 0;
    *found = true;
    int status = force ? stop_by_force(&client, wait_ms) : stop(&client, path, wait_ms);
    rpc_client_deinit(&client);
    return status;
}

/* Returns an exit status. */
static int stop_one(int wait_ms, bool force) {
    bool found = false;
    char *path = ctl_socket();
    int status = stop_if_running(path, wait_ms, force, &found);
    free(path);
    if (!found && status == 0)
        puts("pycompiled is not running");
    return status;
}

/* Returns an exit status. */
static int stop_all(int wait_ms, bool force) {
    struct sockets sockets;
    bool found = false;
    int status = 0;
    sockets_find(&sockets);
    for (size_t i = 0; i < sockets.count; i++)
        status |= stop_if_running(sockets.paths[i], wait_ms, force, &found);
    sockets_deinit(&sockets);
    if (!found && status == 0)
        puts("pycompiled is not running");
    return status;
}

/* Says what the daemon is that was reached. Returns an exit status, or -EAGAIN if it was already leaving and has left.
 */
static int start_report(struct rpc_client *client, const struct autostart *autostart) {
    char *why;
    cJSON *status = ask_status(client, CTL_DEADLINE_MS, &why);
    int result = 0;
    if (status == NULL && wait_absent(autostart->path, clock_ms() + LEAVING_MS)) {
        free(why);
        result = -EAGAIN;
    } else if (status == NULL) {
        result = ctl_fail(why);
    } else if (json_get_bool(status, "draining")) {
        int process_fd = watch_process(pid_of(status));
        bool gone = wait_gone(client, autostart->path, process_fd, clock_ms() + CTL_DEADLINE_MS);
        if (process_fd >= 0)
            close(process_fd);
        result = gone ? -EAGAIN : ctl_fail(xstrdup("a daemon that was told to stop has not left yet"));
    } else {
        printf("pycompiled %s (pid %ld)\n", autostart->started ? "started" : "is already running",
               (long)pid_of(status));
    }
    cJSON_Delete(status);
    return result;
}

/* One attempt. Returns as start_report(). */
static int start_once(void) {
    char *path = paths_socket(), *why;
    struct autostart autostart = {.socket_path = path, .when = AUTOSTART_ALWAYS};
    struct rpc_client client;
    int fd = autostart_connect(&autostart, &why), result;
    if (fd < 0) {
        result = ctl_fail(why);
    } else {
        if (autostart.notice != NULL)
            ctl_say(autostart.notice);
        rpc_client_init(&client, fd);
        result = start_report(&client, &autostart);
        rpc_client_deinit(&client);
    }
    autostart_deinit(&autostart);
    free(path);
    return result;
}

static int start(void) {
    int result = -EAGAIN;
    for (int tries = 0; result < 0 && tries < START_TRIES; tries++)
        result = start_once();
    return result < 0 ? ctl_fail(xstrdup("each daemon that was started left at once")) : result;
}

int ctl_start(int argc, char **argv) {
    static const char help[] = "usage: pycompilectl start [-h]\n"
                               "\n"
                               "Start the daemon, even where PYCOMPILED_AUTOSTART=0 keeps clients from it.\n"
                               "\n"
                               "options:\n"
                               "  -h, --help  show this help message and exit\n";
    ctl_options(argc, argv, &(struct ctl_options){.help = help});
    return ctl_finish(start());
}

int ctl_stop(int argc, char **argv) {
    static const char help[] = "usage: pycompilectl stop [-h] [--wait SECONDS] [--force] [--all]\n"
                               "\n"
                               "Tell the daemon to finish what runs and leave, and wait for that.\n"
                               "\n"
                               "options:\n"
                               "  -h, --help      show this help message and exit\n"
                               "  --wait SECONDS  how long to wait (default: 10)\n"
                               "  --force         kill it after that, or at once where it hangs\n"
                               "  --all           also the daemons of other builds and mount namespaces\n";
    bool force = false, all = false;
    int wait_ms = CTL_DEADLINE_MS;
    ctl_options(argc, argv, &(struct ctl_options){.help = help, .wait_ms = &wait_ms, .force = &force, .all = &all});
    return ctl_finish(all ? stop_all(wait_ms, force) : stop_one(wait_ms, force));
}

int ctl_restart(int argc, char **argv) {
    static const char help[] = "usage: pycompilectl restart [-h] [--wait SECONDS]\n"
                               "\n"
                               "Stop the daemon, if one runs, and start one.\n"
                               "\n"
                               "options:\n"
                               "  -h, --help      show this help message and exit\n"
                               "  --wait SECONDS  how long to wait for the old one (default: 10)\n";
    int wait_ms = CTL_DEADLINE_MS;
    ctl_options(argc, argv, &(struct ctl_options){.help = help, .wait_ms = &wait_ms});
    int status = stop_one(wait_ms, false);
    return ctl_finish(status == 0 ? start() : status);
}
