/* The parameters of `search`: which of many strings a regular expression of Python's re finds something in. */
#pragma once

#include <stddef.h>

#include <cjson/cJSON.h>

#include "proto/schema.h"

/* Strings belong to the tree they were decoded from; bytes as json.h has them. */
struct search_request {
    const char *pattern;
    const cJSON *strings; /* array of strings */
    const char *python;   /* "X.Y", or NULL */
    int timeout_ms;       /* 0: none; -1: not said */
};

/* The table: one row a parameter, in struct search_request. */
extern const struct schema_field search_parameters[];
extern const size_t search_parameter_count;

/* Decodes and checks the parameters (NULL: none given). Returns 0, or -EINVAL and a sentence in *why, which
 * the caller frees. */
int search_request_decode(const cJSON *params, struct search_request *request, char **why);
