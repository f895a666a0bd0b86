/* A daemon that owes an answer is asked for a sign of life on a second connection, since the daemon may not read
 * from the first one (back-pressure). */
#include "client/run_link.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host_programs.h"
#include "client/autostart.h"
#include "client/connect.h"
#include "client/patience.h"
#include "client/stderr_text.h"

#define STATUS_WAIT_MS 120000

void run_link_init(struct run_link *link, const char *socket_path, const char *prog) {
    *link = (struct run_link){
        .socket_path = socket_path, .prog = prog, .may_say = true, .wake_fd = -1, .patience_ms = patience_ms()};
}

void run_link_close(struct run_link *link) {
    if (link->is_open)
        rpc_client_deinit(&link->client);
    link->is_open = false;
}

void run_link_deinit(struct run_link *link) {
    run_link_close(link);
    cJSON_Delete(link->status);
    link->status = NULL;
    free(link->path);
    free(link->apart_path);
    link->path = link->apart_path = NULL;
}

static int on_quiet(void *context, char **why) {
    return run_link_check(context, why);
}

static void run_link_take(struct run_link *link, int fd) {
    rpc_client_init(&link->client, fd);
    link->client.wake_fd = link->wake_fd;
    link->client.quiet = on_quiet;
    link->client.quiet_ms = link->patience_ms / PATIENCE_ASK_PART;
    link->client.context = link;
    link->peer = connect_peer(fd);
    link->is_open = true;
    link->has_gone_apart = false;
    link->opened++;
}

static void run_link_say(struct run_link *link, const char *sentence) {
    if (!link->may_say)
        return;
    if (link->progress != NULL)
        progress_clear(link->progress);
    char *text = xasprintf("%s: %s\n", link->prog, sentence);
    stderr_text_print(text);
    free(text);
}

/* Says once what is to be said about the daemon. */
static void run_link_pass_notice(struct run_link *link, const char *notice) {
    if (notice != NULL && !link->has_noticed)
        run_link_say(link, notice);
    link->has_noticed = link->has_noticed || notice != NULL;
}

/* Returns 0 or a negative errno value. */
static int run_link_connect(struct run_link *link, enum autostart_when when, char **why) {
    struct autostart autostart = {.socket_path = link->apart_path ? link->apart_path : link->socket_path, .when = when};
    int fd = autostart_connect(&autostart, why);
    if (fd >= 0) {
        run_link_pass_notice(link, autostart.notice);
        free(link->path);
        link->path = xstrdup(autostart.path);
        run_link_take(link, fd);
    }
    autostart_deinit(&autostart);
    return fd < 0 ? fd : 0;
}

int run_link_open(struct run_link *link, char **why) {
    if (link->is_open)
        return 0;
    bool is_first = link->opened == 0 || link->has_gone_apart;
    return run_link_connect(link, is_first ? AUTOSTART_DEFAULT : AUTOSTART_AGAIN, why);
}

bool run_link_go_apart(struct run_link *link, const char *theirs) {
    if (link->apart_path != NULL)
        return link->has_gone_apart;
    link->apart_path = autostart_namespace_path(link->socket_path, theirs);
    link->has_gone_apart = link->apart_path != NULL;
    return link->has_gone_apart;
}

/* Takes the daemon that listens, whatever it is. */
static int run_link_take_any(struct run_link *link, char **why) {
    int fd;
    enum connect_status status = connect_daemon(link->socket_path, &fd, why);
    if (status == CONNECT_OK)
        run_link_take(link, fd);
    if (!connect_is_absent(status))
        return status == CONNECT_OK ? 0 : -ENOTCONN;
    free(*why);
    *why = NULL;
    return -ENOENT;
}

int run_link_open_running(struct run_link *link, char **why) {
    if (link->is_open)
        return 0;
    return link->keeps_daemon ? run_link_take_any(link, why) : run_link_connect(link, AUTOSTART_RUNNING, why);
}

/* Whether the daemon has closed the connection. */
static bool run_link_is_lost(struct run_link *link) {
    return rpc_client_read(&link->client) == RPC_STEP_CLOSED;
}

cJSON *run_link_call(struct run_link *link, const char *method, const struct buffer *params, int wait_ms, char **why) {
    int64_t deadline = clock_ms() + wait_ms;
    *why = NULL;
    for (int attempt = 0;; attempt++) {
        if (run_link_open(link, why) < 0)
            return NULL;
        cJSON *result = rpc_client_call(&link->client, method, params, deadline, why);
        if (result != NULL || !run_link_is_lost(link))
            return result;
        run_link_close(link);
        if (attempt > 0)
            return NULL;
        free(*why);
        *why = NULL;
    }
}

/* The interpreters that it would serve by their path or release. */
static void run_link_add_versions(cJSON *status, const struct host_programs *programs) {
    cJSON_AddNumberToObject(status, "interpreters_max", programs->launcher != NULL);
    cJSON *versions = cJSON_AddArrayToObject(status, "interpreter_versions");
    for (unsigned i = 0; i < programs->object_count && programs->launcher != NULL; i++) {
        char *text = xasprintf("%u.%u", programs->objects[i].major, programs->objects[i].minor);
        cJSON_AddItemToArray(versions, cJSON_CreateString(text));
        free(text);
    }
}

/* The status that a daemon would give that is started now: the hosts beside this program, the newest being the default.
 * An installation of objects alone has a default that only the daemon finds; NULL then, if it is needed. */
static cJSON *run_link_foresee(bool needs_default) {
    struct host_programs programs;
    host_programs_find(&programs, NULL);
    bool is_known = programs.count > 0 || (!needs_default && programs.launcher != NULL);
    cJSON *status = is_known ? cJSON_CreateObject() : NULL;
    cJSON *pythons = status ? cJSON_AddArrayToObject(status, "pythons") : NULL;
    for (unsigned i = 0; i < programs.count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "python", programs.items[i].python);
        cJSON_AddStringToObject(item, "path", programs.items[i].path);
        cJSON_AddBoolToObject(item, "default", i == 0);
        cJSON_AddItemToArray(pythons, item);
    }
    if (status != NULL)
        run_link_add_versions(status, &programs);
    host_programs_deinit(&programs);
    return status;
}

const cJSON *run_link_status(struct run_link *link, char **why) {
    *why = NULL;
    if (link->status == NULL && run_link_open_running(link, why) == -ENOENT)
        link->status = run_link_foresee(true);
    free(*why);
    *why = NULL;
    if (link->status == NULL)
        link->status = run_link_call(link, "status", NULL, STATUS_WAIT_MS, why);
    return link->status;
}

void run_link_forgo(struct run_link *link) {
    run_link_deinit(link);
    link->status = run_link_foresee(false);
    if (link->status == NULL)
        link->status = cJSON_CreateObject();
}

/* Whether the daemon answers before the deadline. Also true if no daemon listens any more (one that leaves finishes
 * its jobs and accepts no connection), and if the wait is interrupted. */
static bool run_link_lives(struct run_link *link, int64_t deadline) {
    struct rpc_client client;
    char *why = NULL;
    int fd;
    enum connect_status status = connect_daemon(link->path ? link->path : link->socket_path, &fd, &why);
    if (status == CONNECT_OK) {
        rpc_client_init(&client, fd);
        client.wake_fd = link->wake_fd;
        cJSON *answer = rpc_client_call(&client, "status", NULL, deadline, &why);
        bool lives = answer != NULL || clock_left(deadline) > 0;
        cJSON_Delete(answer);
        rpc_client_deinit(&client);
        free(why);
        return lives;
    }
    free(why);
    return connect_is_absent(status);
}

static void say_that_it_hangs(struct run_link *link) {
    if (link->has_said)
        return;
    link->has_said = true;
    char *text = xasprintf("the daemon (pid %ld) does not answer; waiting up to %g seconds", (long)link->peer,
                           link->patience_ms / 1000.0);
    run_link_say(link, text);
    free(text);
}

int run_link_check(struct run_link *link, char **why) {
    int64_t silent_since = link->client.active_ms;
    if (run_link_lives(link, silent_since + link->patience_ms / PATIENCE_SAY_PART))
        return 0;
    say_that_it_hangs(link);
    if (run_link_lives(link, silent_since + link->patience_ms))
        return 0;
    *why = xasprintf("the daemon (pid %ld) has given no sign of life for %g seconds: it hangs or is stopped "
                     "(pycompilectl stop --force ends it)",
                     (long)link->peer, link->patience_ms / 1000.0);
    return -ETIMEDOUT;
}
