/* The cache of this process, behind one pointer. */
#include "host/host_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct host_cache_setting configured;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct cache *_Atomic opened;

void host_cache_configure(const struct host_cache_setting *setting) {
    configured = *setting;
}

/* The daemon has checked the URL; a file that it names may be gone since. */
static struct remote *open_remote(void) {
    static struct remote_address address;
    char *why = NULL;
    struct remote_state *state = remote_state_map(configured.remote_state_fd);
    if (state == NULL || remote_address_parse(configured.remote, &address, &why) < 0) {
        fprintf(stderr, "pycompile-host: without the remote cache: %s\n",
                why != NULL ? why : "its shared state cannot be mapped");
        free(why);
        if (state != NULL)
            state->counts.failures++;
        return NULL;
    }
    return remote_new(&(struct remote_setting){
        .address = &address,
        .secret = configured.remote_secret,
        .timeout_ms = configured.remote_timeout_ms,
        .read_only = configured.remote_read_only,
        .state = state,
    });
}

static void open_it(void) {
    char *why = NULL;
    if (configured.folder == NULL)
        return;
    opened = cache_open(configured.folder, configured.limit, &why);
    if (opened == NULL && !configured.silent)
        fprintf(stderr, "pycompile-host: without the cache: %s\n", why);
    free(why);
    if (opened != NULL && configured.remote != NULL)
        cache_join(opened, open_remote());
}

bool host_cache_has_remote(void) {
    return configured.folder != NULL && configured.remote != NULL;
}

const char *host_cache_python(void) {
    return configured.python;
}

struct cache *host_cache(void) {
    pthread_once(&once, open_it);
    return opened;
}

void host_cache_flush(void) {
    struct cache *cache = opened;
    if (cache != NULL)
        cache_flush(cache);
}

void host_cache_leave(void) {
    struct cache *cache = opened;
    if (cache != NULL)
        cache_leave(cache);
}

void host_cache_rest(void) {
    struct cache *cache = opened;
    if (cache != NULL)
        cache_rest(cache);
}

bool host_cache_has_counts(void) {
    struct cache *cache = opened;
    return cache != NULL && cache_has_counts(cache);
}

void host_cache_count(void) {
    struct cache *cache = opened;
    if (cache != NULL)
        cache_count(cache);
}

uint64_t host_cache_bytes(void) {
    struct cache *cache = opened;
    return cache != NULL ? cache_bytes(cache) : 0;
}
