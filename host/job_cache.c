/* The key, and the rules by which a request may use the cache. */
#include "host/job_cache.h"

#include <patchlevel.h> /* CPython's version, without CPython */
#include <string.h>
#include <sys/stat.h>

#include "cache/key.h"
#include "host/host_cache.h"
#include "host/lasting_error.h"

/* Whether co_filename names the source, a file that can be read again. Only then do warnings and errors show lines of
 * this source. */
static bool shows_source(const struct job_cache *job) {
    return strcmp(compile_request_name(job->request), job->request->file) == 0 && S_ISREG(job->source->stat.st_mode);
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

/* Whether the warnings or the error of an entry may be given for this source. */
static bool serves(const struct job_cache *job, enum entry_kind kind, const cJSON *json) {
    return (kind == ENTRY_CODE && cJSON_GetArraySize(json) == 0) || shows_source(job);
}

/* Decodes the entry, which it frees. */
static enum entry_kind open_entry(const struct job_cache *job, struct buffer *entry, struct buffer *code,
                                  cJSON **json) {
    enum entry_kind kind = entry_decode(entry->data, entry->len, compile_request_name(job->request), code, json);
    buffer_deinit(entry);
    if (kind == ENTRY_NONE || serves(job, kind, *json))
        return kind;
    cJSON_Delete(*json);
    *json = NULL;
    return ENTRY_NONE;
}

enum entry_kind job_cache_ask(struct job_cache *job, struct buffer *code, cJSON **json) {
    const struct compile_request *request = job->request;
    struct buffer entry = {0};
    struct cache *cache;
    *json = NULL;
    if (!job->may_ask || request->cache != CACHE_USE || !is_cacheable(request) || (cache = host_cache()) == NULL)
        return ENTRY_NONE;
    make_key(job);
    return cache_ask(cache, &job->key, &entry, &job->ticket) ? open_entry(job, &entry, code, json) : ENTRY_NONE;
}

enum entry_kind job_cache_take(struct job_cache *job, struct buffer *code, cJSON **json) {
    struct buffer entry = {0};
    *json = NULL;
    if (job->ticket.request == NULL || !cache_collect(host_cache(), &job->key, &job->ticket, &entry))
        return ENTRY_NONE;
    return open_entry(job, &entry, code, json);
}

bool job_cache_is_waiting(const struct job_cache *job) {
    return job->ticket.request != NULL && cache_is_waiting(host_cache(), &job->ticket);
}

void job_cache_forget(struct job_cache *job) {
    if (job->ticket.request != NULL)
        cache_forget(host_cache(), &job->ticket);
}

/* Whether the file is still the one that was compiled; CPython read its lines again for warnings and errors. */
static bool is_unchanged(const struct job_cache *job) {
    const struct stat *then = &job->source->stat;
    struct stat now;
    return fstatat(job->dir_fd, job->request->file, &now, 0) == 0 && now.st_ino == then->st_ino &&
           now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

static void put_outcome(struct job_cache *job, const struct entry_outcome *outcome) {
    struct cache *cache = host_cache();
    struct buffer entry = {0};
    if (cache == NULL)
        return;
    make_key(job);
    entry_encode(outcome, &entry);
    cache_put(cache, &job->key, &entry);
}

void job_cache_feed(struct job_cache *job, const char *code, size_t len, const cJSON *warnings) {
    if (!is_cacheable(job->request) || (cJSON_GetArraySize(warnings) > 0 && (!shows_source(job) || !is_unchanged(job))))
        return;
    put_outcome(job, &(struct entry_outcome){
                         .kind = ENTRY_CODE,
                         .name = compile_request_name(job->request),
                         .json = warnings,
                         .stream = code,
                         .len = len,
                         .minor = PY_MINOR_VERSION,
                     });
}

void job_cache_feed_error(struct job_cache *job, const cJSON *data) {
    const struct buffer *source = &job->source->data;
    if (!is_cacheable(job->request) || !shows_source(job) || !is_unchanged(job) ||
        !lasting_error(data, source->len > 0 ? source->data : "", source->len))
        return;
    put_outcome(job,
                &(struct entry_outcome){.kind = ENTRY_ERROR, .name = compile_request_name(job->request), .json = data});
}
