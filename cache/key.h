/* The key of a cached compile: two compiles with the same key give the same code and the same warnings, or the same
 * error.
 *
 * Of the request the key takes each parameter that its row marks as COMPILE_EFFECT_VALUE (proto/compile_request.h), so
 * the table alone decides about parameters. The host adds what it finds out by itself: the build of Python and the
 * bytes of the source. Whether a request may use the cache at all is not decided here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cache/store.h"
#include "proto/compile_request.h"

/* All that code and warnings depend on. */
struct key_question {
    const char *python; /* Py_GetVersion(): the release, how it was built and by what compiler */
    uint32_t magic;     /* of its .pyc files */
    const struct compile_request *request;
    const char *source; /* the bytes that are compiled */
    size_t len;
};

/* Whether warnings can depend on the file's name: a -W option names a module; or the name has __main__ in it, for which
 * Python has a filter; or it is in angle brackets, and Python shows no lines of such a file. Up to 3.14 a module is the
 * whole name; from 3.15 on it is the name's last folders, too: pkg.sub.mod, sub.mod and mod match /a/pkg/sub/mod.py. */
bool key_name_matters(const char *name, const cJSON *warnings);

/* The key: BLAKE2b of the question, so nobody can make two questions with the same key. Parameters that mean the same
 * (optimize -1 and 0, 2 and 3) have the same key. */
void key_of_question(const struct key_question *question, struct store_key *key);
