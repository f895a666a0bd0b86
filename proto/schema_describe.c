/* JSON Schema of each type of a table's row. */
#include "proto/schema_describe.h"

static cJSON *describe_type(const char *type) {
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "type", type);
    return schema;
}

static cJSON *describe_bool(const struct schema_field *field, bool preset) {
    cJSON *schema = describe_type("boolean");
    if (!field->required)
        cJSON_AddBoolToObject(schema, "default", preset);
    return schema;
}

static cJSON *describe_int(const struct schema_field *field, int preset) {
    cJSON *schema = describe_type("integer");
    cJSON_AddNumberToObject(schema, "minimum", field->min);
    cJSON_AddNumberToObject(schema, "maximum", field->max);
    bool is_said = preset >= field->min && preset <= field->max;
    if (!field->required && (is_said || field->fallback != 0))
        cJSON_AddNumberToObject(schema, "default", is_said ? preset : field->fallback);
    return schema;
}

static cJSON *describe_choice(const struct schema_field *field, int preset) {
    cJSON *schema = cJSON_CreateObject();
    cJSON *names = cJSON_AddArrayToObject(schema, "enum");
    for (const struct schema_choice *choice = field->choices; choice->name != NULL; choice++)
        cJSON_AddItemToArray(names, cJSON_CreateString(choice->name));
    const char *name = schema_choice_name(field->choices, preset);
    if (!field->required && name != NULL)
        cJSON_AddStringToObject(schema, "default", name);
    return schema;
}

static cJSON *describe_strings(const struct schema_field *field) {
    cJSON *schema = describe_type("array");
    cJSON_AddItemToObject(schema, "items", describe_type("string"));
    if (field->max > 0)
        cJSON_AddNumberToObject(schema, "maxItems", field->max);
    if (!field->required)
        cJSON_AddArrayToObject(schema, "default");
    return schema;
}

static cJSON *describe_value(const struct schema_field *field, const void *preset) {
    switch (field->type) {
    case SCHEMA_STRING:
        return describe_type("string");
    case SCHEMA_BOOL:
        return describe_bool(field, *(const bool *)preset);
    case SCHEMA_INT:
        return describe_int(field, *(const int *)preset);
    case SCHEMA_CHOICE:
        return describe_choice(field, *(const int *)preset);
    case SCHEMA_STRINGS:
        return describe_strings(field);
    }
    return NULL;
}

cJSON *schema_describe(const struct schema_field *field, const void *presets) {
    cJSON *param = cJSON_CreateObject();
    cJSON_AddStringToObject(param, "name", field->name);
    cJSON_AddBoolToObject(param, "required", field->required);
    cJSON_AddStringToObject(param, "description", field->text);
    cJSON_AddItemToObject(param, "schema", describe_value(field, (const char *)presets + field->offset));
    return param;
}
