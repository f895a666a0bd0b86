/* The key, and the rules by which a request may use the cache. */
#include "host/job_cache.h"

#include <patchlevel.h> /* CPython's version, without CPython */
#include <string.h>
#include <sys/stat.h>

#include "cache/entry.h"
#include "cache/key.h"
#include "host/host_cache.h"

/* Whether co_filename names the source. Only then do the warnings show lines of this source. */
static bool names_source(const struct compile_request *request) {
    return strcmp(compile_request_name(request), request->file) == 0;
}

/* A text in place of the file may compile differently from the same bytes in a file, and seldom comes again. */
static bool is_cacheable(const struct compile_request *request) {
    return request->cache != CACHE_BYPASS && request->source == NULL && request->source_copy == NULL && request->write;
}

static void make_key(struct job_cache *job) {
    const struct key_question question = {
        .python = host_cache_python(),
        .magic = HOST_PYTHON_MAGIC,
        .request = job->request,
        .source = job->source->data.len ? job->source->data.data : "",
        .len = job->source->data.len,
    };
    if (!job->keyed)
        key_of_question(&question, &job->key);
    job->keyed = true;
}

bool job_cache_ask(struct job_cache *job, struct buffer *code, cJSON **warnings) {
    const struct compile_request *request = job->request;
    struct buffer entry = {0};
    struct cache *cache;
    *warnings = NULL;
    if (!job->may_ask || request->cache != CACHE_USE || !is_cacheable(request) || (cache = host_cache()) == NULL)
        return false;
    make_key(job);
    bool hit = cache_get(cache, &job->key, &entry) &&
               entry_decode(entry.data, entry.len, compile_request_name(request), code, warnings) &&
               (cJSON_GetArraySize(*warnings) == 0 || names_source(request));
    buffer_deinit(&entry);
    return hit;
}

/* Whether the file is still the one that was compiled; CPython read its lines again for the warnings. */
static bool is_unchanged(const struct job_cache *job) {
    const struct stat *then = &job->source->stat;
    struct stat now;
    return fstatat(job->dir_fd, job->request->file, &now, 0) == 0 && now.st_ino == then->st_ino &&
           now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

void job_cache_feed(struct job_cache *job, const char *code, size_t len, const cJSON *warnings) {
    const struct compile_request *request = job->request;
    struct buffer entry = {0};
    struct cache *cache;
    if (!is_cacheable(request) ||
        (cJSON_GetArraySize(warnings) > 0 && (!names_source(request) || !is_unchanged(job))) ||
        (cache = host_cache()) == NULL)
        return;
    make_key(job);
    const struct entry_outcome outcome = {
        .stream = code,
        .len = len,
        .minor = PY_MINOR_VERSION,
        .name = compile_request_name(request),
        .warnings = warnings,
    };
    entry_encode(&outcome, &entry);
    cache_put(cache, &job->key, &entry);
}
