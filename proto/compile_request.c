/* See compile_request.h. */
#include "proto/compile_request.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "proto/json.h"

const struct schema_choice invalidation_choices[] = {
    {"checked-hash", INVALIDATION_CHECKED_HASH},
    {"timestamp", INVALIDATION_TIMESTAMP},
    {"unchecked-hash", INVALIDATION_UNCHECKED_HASH},
    {NULL, 0},
};

const struct schema_choice cache_choices[] = {
    {"use", CACHE_USE},
    {"bypass", CACHE_BYPASS},
    {"refresh", CACHE_REFRESH},
    {NULL, 0},
};

const struct schema_choice priority_choices[] = {
    {"interactive", PRIORITY_INTERACTIVE},
    {"normal", PRIORITY_NORMAL},
    {"background", PRIORITY_BACKGROUND},
    {NULL, 0},
};

#define STRING(member)                                                                                                 \
    { #member, SCHEMA_STRING, offsetof(struct compile_request, member), false, 0, 0, NULL }
#define BOOL(member)                                                                                                   \
    { #member, SCHEMA_BOOL, offsetof(struct compile_request, member), false, 0, 0, NULL }
#define INT(member, min, max)                                                                                          \
    { #member, SCHEMA_INT, offsetof(struct compile_request, member), false, min, max, NULL }
#define CHOICE(member, choices)                                                                                        \
    { #member, SCHEMA_CHOICE, offsetof(struct compile_request, member), false, 0, 0, choices }

static const struct schema_field fields[] = {
    {"file", SCHEMA_STRING, offsetof(struct compile_request, file), true, 0, 0, NULL},
    STRING(cwd),
    STRING(cfile),
    STRING(dfile),
    INT(optimize, -1, INT_MAX),
    CHOICE(invalidation_mode, invalidation_choices),
    STRING(source_date_epoch),
    STRING(pycache_prefix),
    INT(umask, 0, 0777),
    {"warnings", SCHEMA_STRINGS, offsetof(struct compile_request, warnings), false, 0, 0, NULL},
    BOOL(legacy),
    BOOL(force),
    STRING(source),
    BOOL(write),
    STRING(python),
    CHOICE(priority, priority_choices),
    INT(timeout_ms, 0, INT_MAX),
    CHOICE(cache, cache_choices),
    BOOL(trace),
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static const struct compile_request defaults = {
    .optimize = -1,
    .invalidation_mode = INVALIDATION_DEFAULT,
    .umask = -1,
    .force = true,
    .write = true,
    .priority = PRIORITY_NORMAL,
    .timeout_ms = -1,
    .cache = CACHE_USE,
};

/* An empty path is not relative: opening it fails as the user expects, wherever it is tried. */
static bool is_relative(const char *path) {
    return path != NULL && path[0] != '/';
}

int compile_request_decode(const cJSON *params, struct compile_request *request, char *why, size_t why_size) {
    *request = defaults;
    if (schema_decode(fields, FIELD_COUNT, params, request, why, why_size) < 0)
        return -1;
    if (request->cwd != NULL && request->cwd[0] != '/') {
        snprintf(why, why_size, "'cwd' must be absolute");
        return -1;
    }
    if (request->cwd == NULL && (is_relative(request->file) || is_relative(request->cfile) ||
                                 (request->pycache_prefix != NULL && request->pycache_prefix[0] != '\0' &&
                                  is_relative(request->pycache_prefix)))) {
        snprintf(why, why_size, "'cwd' is needed where a path is relative");
        return -1;
    }
    return 0;
}

static void encode_field(const struct schema_field *field, const struct compile_request *request, cJSON *params) {
    const void *slot = (const char *)request + field->offset;
    const void *normal = (const char *)&defaults + field->offset;
    switch (field->type) {
    case SCHEMA_STRING:
        if (*(const char *const *)slot != NULL)
            cJSON_AddStringToObject(params, field->name, *(const char *const *)slot);
        break;
    case SCHEMA_BOOL:
        if (*(const bool *)slot != *(const bool *)normal)
            cJSON_AddBoolToObject(params, field->name, *(const bool *)slot);
        break;
    case SCHEMA_INT:
        if (*(const int *)slot != *(const int *)normal)
            cJSON_AddNumberToObject(params, field->name, *(const int *)slot);
        break;
    case SCHEMA_CHOICE:
        if (*(const int *)slot != *(const int *)normal)
            cJSON_AddStringToObject(params, field->name, schema_choice_name(field->choices, *(const int *)slot));
        break;
    case SCHEMA_STRINGS:
    case SCHEMA_ANY:
        if (*(const cJSON *const *)slot != NULL)
            cJSON_AddItemToObject(params, field->name, cJSON_Duplicate(*(const cJSON *const *)slot, true));
        break;
    }
}

cJSON *compile_request_encode(const struct compile_request *request) {
    cJSON *params = cJSON_CreateObject();
    for (size_t i = 0; i < FIELD_COUNT; i++)
        encode_field(&fields[i], request, params);
    return params;
}

enum invalidation_mode compile_request_mode(const struct compile_request *request) {
    if (request->invalidation_mode != INVALIDATION_DEFAULT)
        return (enum invalidation_mode)request->invalidation_mode;
    bool epoch = request->source_date_epoch != NULL && request->source_date_epoch[0] != '\0';
    return epoch ? INVALIDATION_CHECKED_HASH : INVALIDATION_TIMESTAMP;
}

/* The compiler does no more at a higher level; the file's name has it. */
#define LEVEL_MAX 2

int compile_request_level(const struct compile_request *request) {
    if (request->optimize < 0)
        return 0;
    return request->optimize < LEVEL_MAX ? request->optimize : LEVEL_MAX;
}
