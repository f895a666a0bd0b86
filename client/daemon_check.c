/* Compares /proc/PID/exe of the daemon with the program beside this one, and its limits with those of this process;
 * asks the daemon only if that finds a difference. */
#include "client/daemon_check.h"

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
#include "base/process_limits.h"
#include "client/connect.h"
#include "client/rpc_client.h"

#define ANSWER_WAIT_MS 5000
#define PROGRAM "pycompiled"

/* The kernel appends this to the path of an executable that was unlinked. */
#define DELETED " (deleted)"

/* Asks process `peer` on a separate connection. Returns the result, which the caller deletes, or NULL, also if another
 * process serves the socket by now. */
static cJSON *daemon_check_ask(const char *socket_path, pid_t peer, const char *method) {
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

enum daemon_executable {
    EXECUTABLE_OURS,     /* the program beside this one */
    EXECUTABLE_REPLACED, /* a daemon's executable that is no longer there */
    EXECUTABLE_ANOTHER,  /* a daemon's executable in another place */
    EXECUTABLE_UNKNOWN,
};

static bool daemon_check_is_same_file(const char *a, const char *b) {
    struct stat st_a, st_b;
    return stat(a, &st_a) == 0 && stat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

/* Whether the link of /proc leads to an executable of that name. */
static enum daemon_executable daemon_check_name(const char *link) {
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

static enum daemon_executable daemon_check_executable(pid_t peer) {
    char *program = paths_program(PROGRAM, false);
    if (program == NULL)
        return EXECUTABLE_UNKNOWN; /* no other daemon could be started */
    char link[32];
    snprintf(link, sizeof link, "/proc/%ld/exe", (long)peer);
    enum daemon_executable found = daemon_check_is_same_file(program, link) ? EXECUTABLE_OURS : daemon_check_name(link);
    free(program);
    return found;
}

/* The parts of a daemon's status that decide whether it is kept. */
struct daemon_word {
    bool replaceable; /* a client may start another in its place; builds before this member were always so */
    bool same_build;
    char *build; /* or NULL: builds before the first one with an id report none */
};

/* Returns whether the daemon has answered. The caller frees word->build. */
static bool daemon_check_hear(const char *socket_path, pid_t peer, struct daemon_word *word) {
    cJSON *status = daemon_check_ask(socket_path, peer, "status");
    const char *build = json_get_string(status, "build");
    const cJSON *replaceable = cJSON_GetObjectItemCaseSensitive(status, "replaceable");
    *word = (struct daemon_word){
        .replaceable = replaceable == NULL || cJSON_IsTrue(replaceable),
        .same_build = build != NULL && strcmp(build, build_id) == 0,
        .build = build ? xstrdup(build) : NULL,
    };
    cJSON_Delete(status);
    return status != NULL;
}

/* Whether a daemon that this process starts would be no worse off in any respect, and better off in one. */
static bool daemon_check_is_hindered(pid_t peer) {
    struct process_limits ours, theirs;
    return peer > 0 && process_limits_read(peer, &theirs) == 0 && process_limits_read(0, &ours) == 0 &&
           process_limits_are_better(&ours, &theirs);
}

static char *daemon_check_notice(pid_t peer, const struct daemon_word *word) {
    return xasprintf("the daemon (pid %ld) is of build %s, and this program of build %s: it was started with options "
                     "of its own and is kept; restart it to have this build",
                     (long)peer, word->build ? word->build : "unknown", build_id);
}

static enum daemon_verdict daemon_check_judge(enum daemon_executable executable, pid_t peer,
                                              const struct daemon_word *word, char **notice) {
    if (!word->replaceable) {
        *notice = word->same_build ? NULL : daemon_check_notice(peer, word);
        return DAEMON_SERVES;
    }
    if (executable == EXECUTABLE_REPLACED)
        return DAEMON_LEAVES;
    if (!word->same_build)
        return DAEMON_APART;
    return daemon_check_is_hindered(peer) ? DAEMON_LEAVES : DAEMON_SERVES;
}

enum daemon_verdict daemon_check(const char *socket_path, pid_t peer, char **notice) {
    enum daemon_executable executable = daemon_check_executable(peer);
    enum daemon_verdict verdict = DAEMON_SERVES;
    struct daemon_word word;
    *notice = NULL;
    if (executable == EXECUTABLE_UNKNOWN || (executable == EXECUTABLE_OURS && !daemon_check_is_hindered(peer)))
        return DAEMON_SERVES;
    if (daemon_check_hear(socket_path, peer, &word))
        verdict = daemon_check_judge(executable, peer, &word, notice);
    free(word.build);
    return verdict;
}

void daemon_check_dismiss(const char *socket_path, pid_t peer) {
    cJSON_Delete(daemon_check_ask(socket_path, peer, "shutdown"));
}
