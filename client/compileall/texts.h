/* What compileall says: its lines on standard output, to the letter. Each appends to `out`. */
#pragma once

#include "base/buffer.h"
#include "proto/json.h"

void compileall_say_listing(struct buffer *out, const char *folder);
void compileall_say_unlistable(struct buffer *out, const char *folder);
void compileall_say_not_stripped(struct buffer *out, const char *strip, const char *path);
void compileall_say_compiling(struct buffer *out, const char *path);

/* An error's line, without what it is about where `quiet` is 0: "Compiling" has said that. `error` is the raw text of a
 * response's error. */
void compileall_say_error(struct buffer *out, int quiet, const char *path, struct json_span error);

/* Likewise, with the words themselves. */
void compileall_say_failure(struct buffer *out, int quiet, const char *path, const char *words);
