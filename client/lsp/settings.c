/* The settings of an editor, decoded by a schema table. */
#include "client/lsp/settings.h"

#include <errno.h>
#include <stddef.h>

#include "base/buffer.h"
#include "proto/schema.h"

/* clang-format off */
static const struct schema_field settings_fields[] = {
    {.name = "python", .type = SCHEMA_STRING, .offset = offsetof(struct settings, python)},
    {.name = "optimize", .type = SCHEMA_INT, .offset = offsetof(struct settings, optimize),
     .min = -1, .max = 2, .preset = -1},
    {.name = "warnings", .type = SCHEMA_STRINGS, .offset = offsetof(struct settings, warnings)},
    {.name = "compileOnSave", .type = SCHEMA_BOOL, .offset = offsetof(struct settings, compile_on_save),
     .preset = true},
};
/* clang-format on */
#define FIELD_COUNT (sizeof settings_fields / sizeof *settings_fields)

void settings_init(struct settings *settings) {
    *settings = (struct settings){0};
    schema_init(settings_fields, FIELD_COUNT, settings);
}

void settings_deinit(struct settings *settings) {
    cJSON_Delete(settings->tree);
    settings_init(settings);
}

int settings_apply(struct settings *settings, const cJSON *object, char **why) {
    const cJSON *ours = cJSON_GetObjectItemCaseSensitive(object, "pycompiled");
    struct settings fresh;
    settings_init(&fresh);
    object = cJSON_IsObject(ours) ? ours : object;
    /* A Lua client writes an empty object as an empty array. */
    bool nothing = object == NULL || cJSON_IsNull(object) || cJSON_IsNull(ours) ||
                   (cJSON_IsArray(object) && object->child == NULL);
    if (!nothing && !cJSON_IsObject(object)) {
        *why = xstrdup("settings are an object");
        return -EINVAL;
    }
    fresh.tree = nothing ? NULL : cJSON_Duplicate(object, true);
    if (schema_decode(settings_fields, FIELD_COUNT, fresh.tree, &fresh, why) < 0) {
        settings_deinit(&fresh);
        return -EINVAL;
    }
    if (fresh.python != NULL && *fresh.python == '\0')
        fresh.python = NULL;
    settings_deinit(settings);
    *settings = fresh;
    return 0;
}

void settings_request(const struct settings *settings, const struct environment *environment,
                      struct compile_request *request) {
    environment_request(environment, request);
    request->python = NULL;
    if (settings->optimize >= 0)
        request->optimize = settings->optimize;
    if (settings->warnings != NULL)
        request->warnings = settings->warnings;
}
