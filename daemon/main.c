/* pycompiled: the daemon. Reads the command line, takes the socket and serves. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/paths.h"
#include "cache/folder.h"
#include "daemon/log.h"
#include "daemon/methods.h"
#include "daemon/options.h"
#include "daemon/process/background.h"
#include "daemon/process/descriptors.h"
#include "daemon/process/listen.h"
#include "daemon/process/signals.h"
#include "daemon/process/surroundings.h"
#include "daemon/server.h"

/* Time that a daemon which finds the socket taken waits for the other one to answer on it or to leave. */
#define TAKEN_WAIT_MS 20000
#define TAKEN_POLL_MS 5

/* One attempt. Once the socket exists, a signal that ends the daemon waits for the server, which removes the socket;
 * before, it kills the process. */
static enum listen_status main_try_socket(struct listener *listener, const char *path, char **why) {
    signals_hold();
    enum listen_status status = listen_acquire(listener, path, why);
    if (status != LISTEN_READY)
        signals_release();
    return status;
}

/* Takes the socket, waiting for a daemon that is about to serve or to leave. LISTEN_TAKEN: one serves. */
static enum listen_status main_take_socket(struct listener *listener, const char *path, char **why) {
    const struct timespec pause = {.tv_nsec = TAKEN_POLL_MS * 1000000L};
    enum listen_status status = main_try_socket(listener, path, why);
    for (int waited = 0; status == LISTEN_TAKEN && waited < TAKEN_WAIT_MS; waited += TAKEN_POLL_MS) {
        if (listen_probe(path))
            return LISTEN_TAKEN;
        nanosleep(&pause, NULL);
        status = main_try_socket(listener, path, why);
    }
    return status;
}

static int main_fail(const struct options *options, char *why) {
    if (options->background)
        background_report(why);
    else
        fprintf(stderr, "pycompiled: %s\n", why);
    free(why);
    return 1;
}

static int main_serve(const struct options *options) {
    struct listener listener;
    char *why = NULL;
    enum listen_status status = main_take_socket(&listener, options->socket_path, &why);
    if (status == LISTEN_TAKEN && options->background) {
        background_report(NULL);
        return 0;
    }
    if (status == LISTEN_TAKEN)
        why = xasprintf("a daemon runs already on %s", options->socket_path);
    if (status != LISTEN_READY)
        return main_fail(options, why);
    paths_note_program();
    surroundings_leave_folder();
    struct server *server = server_new(options, &methods_events, &listener, &why);
    if (server == NULL) {
        listen_release(&listener);
        return main_fail(options, why);
    }
    log_line("pycompiled " PYCOMPILED_VERSION " listens on %s", options->socket_path);
    background_report(NULL);
    server_run(server);
    server_free(server);
    return 0;
}

/* Serves the connection that standard input is. */
static int main_serve_connection(const struct options *options) {
    struct listener listener;
    char *why = NULL;
    signals_hold();
    struct server *server =
        listen_inherit(&listener, &why) == 0 ? server_new(options, &methods_events, &listener, &why) : NULL;
    if (server == NULL)
        return main_fail(options, why);
    surroundings_leave_folder();
    server_run(server);
    server_free(server);
    return 0;
}

/* Without a folder for it there is no cache; this is logged once, here. */
static void main_check_cache(struct options *options) {
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

/* Messages of tens of kilobytes come and go. Memory for some is kept, else each would be taken from the kernel anew,
 * page by page. */
static void main_keep_some_memory(void) {
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
    uv_replace_allocator(xmalloc, xrealloc, xcalloc, free); /* libuv would abort without a message */
    bool activated = !options.background && !options.inetd && listen_is_activated();
    descriptors_clean(activated ? LISTEN_ACTIVATED_FD + 1 : STDERR_FILENO + 1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log that may not grow is no reason to die */
    surroundings_raise(options.background);
    main_keep_some_memory();
    if (options.inetd) {
        main_check_cache(&options);
        status = main_serve_connection(&options);
    } else if (!activated && listen_prepare_folder(options.socket_path, &why) < 0) {
        fprintf(stderr, "pycompiled: %s\n", why);
        free(why);
        status = 1;
    } else {
        if (options.background)
            background_begin(options.socket_path);
        main_check_cache(&options);
        status = main_serve(&options);
    }
    options_deinit(&options);
    return status;
}
