/* Compares /proc/PID/exe of the daemon with the program beside this one; asks the daemon only if they differ. */
#include "client/build_check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/build_id.h"
#include "base/clock.h"
#include "base/paths.h"
#include "client/connect.h"
#include "client/rpc_client.h"

#define ANSWER_WAIT_MS 5000
#define PROGRAM "pycompiled"

/* The kernel appends this to the path of an executable that was unlinked. */
#define DELETED " (deleted)"

/* Asks process `peer` on a separate connection. Returns the result, which the caller deletes, or NULL, also if another
 * process serves the socket by now. */
static cJSON *build_check_ask(const char *socket_path, pid_t peer, const char *method) {
    struct rpc_client client;
    char *why;
    int fd;
    cJSON *result = NULL;
    if (connect_daemon(socket_path, &fd, &why) == CONNECT_OK) {
        rpc_client_init(&client, fd);
        if (connect_peer(fd) == peer)
            result = rpc_client_call(&client, method, NULL, clock_ms() + ANSWER_WAIT_MS, &why);
        rpc_client_deinit(&client);
    }
    free(why);
    return result;
}

/* Whether the daemon reports another build. Builds before the first one with an id report none. */
static bool build_check_says_other(const char *socket_path, pid_t peer) {
    cJSON *status = build_check_ask(socket_path, peer, "status");
    const char *build = json_get_string(status, "build");
    bool other = status != NULL && (build == NULL || strcmp(build, build_id) != 0);
    cJSON_Delete(status);
    return other;
}

enum build_executable {
    EXECUTABLE_OURS,     /* the program beside this one */
    EXECUTABLE_REPLACED, /* a daemon's executable that is no longer there */
    EXECUTABLE_ANOTHER,  /* a daemon's executable in another place */
    EXECUTABLE_UNKNOWN,
};

static bool build_check_is_same_file(const char *a, const char *b) {
    struct stat st_a, st_b;
    return stat(a, &st_a) == 0 && stat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

/* Whether the link of /proc leads to an executable of that name. */
static enum build_executable build_check_name(const char *link) {
    char path[PATH_MAX];
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0) /* without /proc only the daemon knows */
        return paths_has_proc() ? EXECUTABLE_UNKNOWN : EXECUTABLE_ANOTHER;
    path[len] = '\0';
    size_t end = (size_t)len - strlen(DELETED);
    bool deleted = (size_t)len > strlen(DELETED) && strcmp(path + end, DELETED) == 0;
    if (deleted)
        path[end] = '\0';
    const char *slash = strrchr(path, '/');
    if (slash == NULL || strcmp(slash + 1, PROGRAM) != 0)
        return EXECUTABLE_UNKNOWN;
    return deleted ? EXECUTABLE_REPLACED : EXECUTABLE_ANOTHER;
}

static enum build_executable build_check_executable(pid_t peer) {
    char *program = paths_program(PROGRAM, false);
    if (program == NULL)
        return EXECUTABLE_UNKNOWN; /* no other daemon could be started */
    char link[32];
    snprintf(link, sizeof link, "/proc/%ld/exe", (long)peer);
    enum build_executable found = build_check_is_same_file(program, link) ? EXECUTABLE_OURS : build_check_name(link);
    free(program);
    return found;
}

bool build_check_is_other(const char *socket_path, pid_t peer) {
    switch (build_check_executable(peer)) {
    case EXECUTABLE_REPLACED:
        return true;
    case EXECUTABLE_ANOTHER:
        return build_check_says_other(socket_path, peer);
    case EXECUTABLE_OURS:
    case EXECUTABLE_UNKNOWN:
        break;
    }
    return false;
}

void build_check_dismiss(const char *socket_path, pid_t peer) {
    cJSON_Delete(build_check_ask(socket_path, peer, "shutdown"));
}
