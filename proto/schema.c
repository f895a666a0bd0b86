/* See schema.h. */
#include "proto/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *schema_choice_name(const struct schema_choice *choices, int value) {
    for (; choices->name != NULL; choices++)
        if (choices->value == value)
            return choices->name;
    return NULL;
}

static const struct schema_field *find(const struct schema_field *fields, size_t count, const char *name,
                                       size_t *index) {
    for (*index = 0; *index < count; ++*index)
        if (strcmp(fields[*index].name, name) == 0)
            return &fields[*index];
    return NULL;
}

static bool all_strings(const cJSON *array) {
    const cJSON *element;
    cJSON_ArrayForEach(element, array)
        if (!cJSON_IsString(element))
            return false;
    return true;
}

static int refuse(const struct schema_field *field, char *why, size_t why_size) {
    switch (field->type) {
    case SCHEMA_STRING:
        snprintf(why, why_size, "'%s' must be a string", field->name);
        break;
    case SCHEMA_BOOL:
        snprintf(why, why_size, "'%s' must be true or false", field->name);
        break;
    case SCHEMA_INT:
        snprintf(why, why_size, "'%s' must be an integer from %d to %d", field->name, field->min, field->max);
        break;
    case SCHEMA_CHOICE: {
        int len = snprintf(why, why_size, "'%s' must be one of", field->name);
        for (const struct schema_choice *c = field->choices; c->name && len < (int)why_size; c++)
            len += snprintf(why + len, why_size - (size_t)len, "%s '%s'", c == field->choices ? "" : ",", c->name);
        break;
    }
    case SCHEMA_STRINGS:
        snprintf(why, why_size, "'%s' must be an array of strings", field->name);
        break;
    case SCHEMA_ANY:
        break;
    }
    return -1;
}

/* Stores one member's value; false where it does not fit the field. */
static bool store(const struct schema_field *field, const cJSON *value, void *out) {
    void *slot = (char *)out + field->offset;
    switch (field->type) {
    case SCHEMA_STRING:
        if (!cJSON_IsString(value))
            return false;
        *(const char **)slot = value->valuestring;
        return true;
    case SCHEMA_BOOL:
        if (!cJSON_IsBool(value))
            return false;
        *(bool *)slot = cJSON_IsTrue(value);
        return true;
    case SCHEMA_INT:
        if (!cJSON_IsNumber(value) || !(value->valuedouble >= field->min) || !(value->valuedouble <= field->max) ||
            value->valuedouble != (int)value->valuedouble)
            return false;
        *(int *)slot = (int)value->valuedouble;
        return true;
    case SCHEMA_CHOICE:
        for (const struct schema_choice *c = field->choices; c->name && cJSON_IsString(value); c++)
            if (strcmp(c->name, value->valuestring) == 0) {
                *(int *)slot = c->value;
                return true;
            }
        return false;
    case SCHEMA_STRINGS:
        if (!cJSON_IsArray(value) || !all_strings(value))
            return false;
        *(const cJSON **)slot = value;
        return true;
    case SCHEMA_ANY:
        *(const cJSON **)slot = value;
        return true;
    }
    return false;
}

int schema_decode(const struct schema_field *fields, size_t count, const cJSON *object, void *out, char *why,
                  size_t why_size) {
    uint64_t seen = 0, present = 0;
    if (object != NULL && !cJSON_IsObject(object)) {
        snprintf(why, why_size, "parameters must be given by name, in an object");
        return -1;
    }
    for (const cJSON *member = object ? object->child : NULL; member; member = member->next) {
        size_t index;
        const struct schema_field *field = find(fields, count, member->string, &index);
        if (field == NULL) {
            snprintf(why, why_size, "unknown member '%.64s'", member->string);
            return -1;
        }
        if (seen & (1ull << index)) {
            snprintf(why, why_size, "member '%s' is given twice", field->name);
            return -1;
        }
        seen |= 1ull << index;
        if (cJSON_IsNull(member))
            continue;
        if (!store(field, member, out))
            return refuse(field, why, why_size);
        present |= 1ull << index;
    }
    for (size_t i = 0; i < count; i++)
        if (fields[i].required && !(present & (1ull << i))) {
            snprintf(why, why_size, "'%s' is missing", fields[i].name);
            return -1;
        }
    return 0;
}
