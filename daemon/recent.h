/* The slowest files since the start, and the latest errors: for a person who watches the daemon (pycompilectl top). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/json_check.h"

#define RECENT_SLOW 10
#define RECENT_ERRORS 10

/* Texts are those of recent_text(), owned. */
struct recent_slow {
    char *file;
    uint64_t ns;
};

struct recent_error {
    char *file, *message;
    uint64_t at_ns; /* of uv_hrtime() */
};

/* Zero-initialised is empty. */
struct recent {
    struct recent_slow slow[RECENT_SLOW]; /* the slowest first */
    struct recent_error errors[RECENT_ERRORS];
    unsigned last_error; /* index of the latest one */
};

/* A copy of a checked JSON string, quotes included, which the caller frees. A string over 4096 bytes is replaced by
 * "(too long)", and what is no string by "?". */
char *recent_text(struct json_span text);

/* Notes how long a request took, whose parameters these are. The same file is noted once, at its slowest. */
void recent_note_time(struct recent *recent, struct json_span params, uint64_t ns);

/* Notes an error of a request with these parameters; `message` is a checked JSON string. */
void recent_note_error(struct recent *recent, struct json_span params, struct json_span message, uint64_t now_ns);

void recent_deinit(struct recent *recent);
