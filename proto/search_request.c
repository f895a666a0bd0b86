/* See search_request.h. */
#include "proto/search_request.h"

#include <limits.h>

#include "proto/schema.h"

static const struct schema_field fields[] = {
    {"pattern", SCHEMA_STRING, offsetof(struct search_request, pattern), true, 0, 0, NULL},
    {"strings", SCHEMA_STRINGS, offsetof(struct search_request, strings), true, 0, 0, NULL},
    {"python", SCHEMA_STRING, offsetof(struct search_request, python), false, 0, 0, NULL},
    {"timeout_ms", SCHEMA_INT, offsetof(struct search_request, timeout_ms), false, 0, INT_MAX, NULL},
};

int search_request_decode(const cJSON *params, struct search_request *request, char *why, size_t why_size) {
    *request = (struct search_request){.timeout_ms = -1};
    return schema_decode(fields, sizeof fields / sizeof *fields, params, request, why, why_size);
}
