/* Notifications are sent whole and at once: the socket is empty in all but a few moments of a host's life. */
#include "host/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/io.h"
#include "host/control_message.h"
#include "host/host_cache.h"
#include "host/pyc_file.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/rpc.h"

#define WATCH_STACK ((size_t)512 << 10)
#define MEMORY_STEP_KB (8L << 10)

/* A change of the cache's size by more than this part is reported. */
#define CACHE_STEP_PART 64

void control_report_ready(int fd, const char *version, const char *executable) {
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "python", version);
    json_add_string_or_null(params, "interpreter", executable);
    control_message_send(fd, "ready", params);
}

void control_report_failure(int fd, const char *reason) {
    control_message_failure(fd, reason);
}

static long resident_kb(void) {
    char text[128];
    (void)io_read_text(AT_FDCWD, "/proc/self/statm", 0, text, sizeof text);
    long size, resident;
    return sscanf(text, "%ld %ld", &size, &resident) == 2 ? resident * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

void control_report_memory(int fd) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static long told_kb;
    long kb = resident_kb();
    pthread_mutex_lock(&mutex);
    if (labs(kb - told_kb) > MEMORY_STEP_KB) {
        told_kb = kb;
        cJSON *params = cJSON_CreateObject();
        cJSON_AddNumberToObject(params, "rss_kb", (double)kb);
        control_message_send(fd, "memory", params);
    }
    pthread_mutex_unlock(&mutex);
}

void control_report_cache(int fd) {
    static _Atomic uint64_t told;
    uint64_t bytes = host_cache_bytes(), before = told;
    uint64_t change = bytes > before ? bytes - before : before - bytes;
    if (change <= before / CACHE_STEP_PART || !atomic_compare_exchange_strong(&told, &before, bytes))
        return;
    cJSON *params = cJSON_CreateObject();
    cJSON_AddNumberToObject(params, "bytes", (double)bytes);
    control_message_send(fd, "cache", params);
}

/* What on_shot() sends: made beforehand, as a signal handler cannot. */
static struct buffer shot_frame;
static int shot_fd;

/* A fault comes again when the handler returns, and then kills (SA_RESETHAND); a signal that was sent is raised again.
 */
static void on_shot(int signum, siginfo_t *info, void *context) {
    if (info->si_code > 0)
        return;
    if (info->si_pid != getpid()) {
        ssize_t sent = send(shot_fd, shot_frame.data, shot_frame.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent;
    }
    raise(signum);
}

void control_report_shots(int fd) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGXCPU};
    struct buffer message = {0};
    rpc_write_notification(&message, "shot", "{}", 2);
    frame_write(FRAMING_HEADERS, message.data, message.len, &shot_frame);
    buffer_deinit(&message);
    shot_fd = fd;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_sigaction = on_shot, .sa_flags = SA_SIGINFO | SA_RESETHAND}, old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) /* a sanitizer's is left */
            sigaction(signals[i], &action, NULL);
    }
}

/* Returns at the socket's end: the server sends nothing on it. Meanwhile looks after the cache. */
static void wait_for_end(int fd) {
    struct pollfd control = {.fd = fd, .events = POLLIN};
    char byte;
    for (;;) {
        int ready = poll(&control, 1, CACHE_REST_S * 1000);
        if (ready == 0)
            host_cache_rest();
        ssize_t len = ready > 0 ? read(fd, &byte, 1) : 1;
        if (len == 0 || (len < 0 && errno != EINTR))
            return;
    }
}

static void *watch_control(void *argument) {
    wait_for_end(*(int *)argument);
    pyc_file_finish_writing();
    host_cache_leave();
    _exit(0);
}

int control_watch(int fd) {
    static int watched;
    pthread_attr_t attributes;
    pthread_t thread;
    watched = fd;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WATCH_STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attributes, watch_control, &watched);
    pthread_attr_destroy(&attributes);
    return -error;
}

bool control_wait_readable(int fd, int control_fd) {
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = control_fd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return false;
    return fds[1].revents == 0;
}
