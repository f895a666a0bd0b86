/* What a job has to do with the cache: which compiles it can answer, and which it keeps. No
 * interpreter is needed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "proto/compile_request.h"

struct compile_job;

/* co_filename. */
const char *job_cache_name(const struct compile_request *request);

/* Looks for the job's source in the cache, unless the request or the setting forbids. True: `code`
 * is the stream that compiling would give, and *warnings (the caller deletes) what it would warn
 * of. */
bool job_cache_ask(struct compile_job *job, struct buffer *code, cJSON **warnings);

/* Keeps what compiling gave, where that can be answered again. */
void job_cache_feed(struct compile_job *job, const char *code, size_t len, const cJSON *warnings);
