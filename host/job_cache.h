/* A job's use of the cache: which compiles the cache can answer, and which it keeps. Needs no interpreter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "cache/cache.h"
#include "cache/entry.h"
#include "cache/store.h"
#include "host/source_file.h"
#include "proto/compile_request.h"

/* One job's source as the cache sees it. */
struct job_cache {
    const struct compile_request *request; /* borrowed, as is the next */
    const struct source_file *source;
    int dir_fd;           /* of the folder in which the request's relative paths start */
    bool may_ask;         /* false: entries are not looked up, whatever the request says */
    struct store_key key; /* of the source, once `keyed` */
    bool keyed;
    struct remote_ticket ticket; /* of the remote tier's answer, between job_cache_ask() and job_cache_take() */
};

/* Looks the source up in the store, and asks the remote tier where the store has no entry; unless the request forbids
 * that. Then job_cache_take() waits for the remote tier's answer, and job_cache_forget() gives it up. ENTRY_CODE:
 * `code` gets the stream that compiling would give, and *json the warnings. ENTRY_ERROR: *json gets the data of the
 * error that compiling would give. The caller deletes *json, which is NULL if there is no entry. */
enum entry_kind job_cache_ask(struct job_cache *job, struct buffer *code, cJSON **json);
enum entry_kind job_cache_take(struct job_cache *job, struct buffer *code, cJSON **json);
void job_cache_forget(struct job_cache *job);

/* Whether job_cache_take() would wait. */
bool job_cache_is_waiting(const struct job_cache *job);

/* Puts the outcome of a compile into the cache, if it may be answered again. */
void job_cache_feed(struct job_cache *job, const char *code, size_t len, const cJSON *warnings);

/* Puts an error of the compiler into the cache, if each compile of the source gives it. `data` is a PyCompileError's.
 */
void job_cache_feed_error(struct job_cache *job, const cJSON *data);
