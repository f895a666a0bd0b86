/* compileall's lines on standard output, to the letter. Each function appends to `out`. */
#pragma once

#include "base/buffer.h"
#include "proto/json.h"

void compileall_say_listing(struct buffer *out, const char *folder);
void compileall_say_unlistable(struct buffer *out, const char *folder);
void compileall_say_not_stripped(struct buffer *out, const char *strip, const char *path);
void compileall_say_compiling(struct buffer *out, const char *path);

/* The line of an error; `python` is named where it is not NULL. With `quiet` 0 it has no file name, since "Compiling
 * ..." has named the file. `error` is the raw text of a response's error. */
void compileall_say_error(struct buffer *out, int quiet, const char *path, const char *python, struct json_span error);

/* The same line with the given words. */
void compileall_say_failure(struct buffer *out, int quiet, const char *path, const char *python, const char *words);
