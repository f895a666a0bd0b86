/* pycompiled: the server process. Reads the command line, takes the socket and serves. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cache/folder.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/process/background.h"
#include "daemon/process/descriptors.h"
#include "daemon/process/hold_signals.h"
#include "daemon/process/listen.h"
#include "daemon/server.h"

/* How long a daemon that finds the socket taken waits for the other one to answer on it or to go. */
#define TAKEN_WAIT_MS 20000
#define TAKEN_POLL_MS 5

static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* One attempt. From the moment on that there is a socket, whoever wants the daemon to end waits for the server, which
 * removes it; until then a signal just kills. */
static enum listen_status try_socket(struct listener *listener, const char *path, char **why) {
    hold_signals();
    enum listen_status status = listen_acquire(listener, path, why);
    if (status != LISTEN_READY)
        release_signals();
    return status;
}

/* Takes the socket, waiting for a daemon that is about to come or go. LISTEN_TAKEN: one serves. */
static enum listen_status take_socket(struct listener *listener, const char *path, char **why) {
    const struct timespec pause = {.tv_nsec = TAKEN_POLL_MS * 1000000L};
    enum listen_status status = try_socket(listener, path, why);
    for (int waited = 0; status == LISTEN_TAKEN && waited < TAKEN_WAIT_MS; waited += TAKEN_POLL_MS) {
        if (listen_probe(path))
            return LISTEN_TAKEN;
        nanosleep(&pause, NULL);
        status = try_socket(listener, path, why);
    }
    return status;
}

static int fail(const struct options *options, char *why) {
    if (options->background)
        background_report(why);
    else
        fprintf(stderr, "pycompiled: %s\n", why);
    free(why);
    return 1;
}

static int serve(const struct options *options) {
    struct listener listener;
    char *why = NULL;
    enum listen_status status = take_socket(&listener, options->socket_path, &why);
    if (status == LISTEN_TAKEN && options->background) {
        background_report(NULL);
        return 0;
    }
    if (status == LISTEN_TAKEN && asprintf(&why, "a daemon runs already on %s", options->socket_path) < 0)
        abort();
    if (status != LISTEN_READY)
        return fail(options, why);
    struct server *server = server_new(options, &listener, &why);
    if (server == NULL) {
        listen_release(&listener);
        return fail(options, why);
    }
    log_line("pycompiled " PYCOMPILED_VERSION " listens on %s", options->socket_path);
    background_report(NULL);
    server_run(server);
    server_free(server);
    return 0;
}

/* Without a folder for it there is no cache, which is said once, here. */
static void check_cache(struct options *options) {
    char *why = NULL;
    if (options->cache == NULL)
        return;
    int fd = folder_open(options->cache, &why);
    if (fd >= 0) {
        close(fd);
        return;
    }
    log_line("without the cache: %s", why);
    free(why);
    free(options->cache);
    options->cache = NULL;
}

/* Messages of tens of kilobytes come and go: the memory for some is kept, else each would be taken from the kernel
 * anew, page by page. */
static void keep_some_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

int main(int argc, char **argv) {
    struct options options;
    char *why;
    int status;
    if (!options_parse(&options, argc, argv, &status)) {
        options_deinit(&options);
        return status;
    }
    bool activated = !options.background && listen_is_activated();
    descriptors_clean(activated ? LISTEN_ACTIVATED_FD + 1 : STDERR_FILENO + 1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log that may not grow is no reason to die */
    raise_file_limit();
    keep_some_memory();
    if (!activated && listen_prepare_folder(options.socket_path, &why) < 0) {
        fprintf(stderr, "pycompiled: %s\n", why);
        free(why);
        status = 1;
    } else {
        if (options.background)
            background_begin(options.socket_path);
        check_cache(&options);
        status = serve(&options);
    }
    options_deinit(&options);
    return status;
}
