/* Decoding and encoding by a table. */
#include "proto/schema.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"

const char *schema_choice_name(const struct schema_choice *choices, int value) {
    for (; choices->name != NULL; choices++)
        if (choices->value == value)
            return choices->name;
    return NULL;
}

static void schema_preset(const struct schema_field *field, void *slot) {
    switch (field->type) {
    case SCHEMA_STRING:
        *(const char **)slot = NULL;
        break;
    case SCHEMA_BOOL:
        *(bool *)slot = field->preset != 0;
        break;
    case SCHEMA_INT:
    case SCHEMA_CHOICE:
        *(int *)slot = field->preset;
        break;
    case SCHEMA_STRINGS:
        *(const cJSON **)slot = NULL;
        break;
    }
}

void schema_init(const struct schema_field *fields, size_t count, void *out) {
    for (size_t i = 0; i < count; i++)
        schema_preset(&fields[i], (char *)out + fields[i].offset);
}

static const struct schema_field *schema_find(const struct schema_field *fields, size_t count, const char *name,
                                              size_t *index) {
    for (*index = 0; *index < count; ++*index)
        if (fields[*index].name[0] == name[0] && strcmp(fields[*index].name, name) == 0)
            return &fields[*index];
    return NULL;
}

static bool are_strings(const cJSON *array, int max) {
    const cJSON *element;
    if (!cJSON_IsArray(array) || (max > 0 && cJSON_GetArraySize(array) > max))
        return false;
    cJSON_ArrayForEach(element, array)
        if (!cJSON_IsString(element))
            return false;
    return true;
}

static char *choices_sentence(const struct schema_field *field) {
    struct buffer text = {0};
    buffer_printf(&text, "'%s' must be one of", field->name);
    for (const struct schema_choice *choice = field->choices; choice->name != NULL; choice++)
        buffer_printf(&text, "%s '%s'", choice == field->choices ? "" : ",", choice->name);
    return buffer_string(&text);
}

static char *type_sentence(const struct schema_field *field) {
    switch (field->type) {
    case SCHEMA_STRING:
        return xasprintf("'%s' must be a string", field->name);
    case SCHEMA_BOOL:
        return xasprintf("'%s' must be true or false", field->name);
    case SCHEMA_INT:
        return xasprintf("'%s' must be an integer from %d to %d", field->name, field->min, field->max);
    case SCHEMA_CHOICE:
        return choices_sentence(field);
    case SCHEMA_STRINGS:
        return field->max > 0 ? xasprintf("'%s' must be an array of at most %d strings", field->name, field->max)
                              : xasprintf("'%s' must be an array of strings", field->name);
    }
    return NULL;
}

/* The range is checked before the number is cast: a number that no int can hold has no defined cast. */
static bool schema_store_int(const struct schema_field *field, const cJSON *value, int *slot) {
    double number = cJSON_IsNumber(value) ? value->valuedouble : 0.5;
    if (!(number >= field->min && number <= field->max) || number != (int)number)
        return false;
    *slot = (int)number;
    return true;
}

static bool schema_store_choice(const struct schema_field *field, const cJSON *value, int *slot) {
    for (const struct schema_choice *c = field->choices; c->name && cJSON_IsString(value); c++)
        if (strcmp(c->name, value->valuestring) == 0) {
            *slot = c->value;
            return true;
        }
    return false;
}

/* Stores one member's value; false where it does not fit the field. */
static bool schema_store(const struct schema_field *field, const cJSON *value, void *slot) {
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
        return schema_store_int(field, value, slot);
    case SCHEMA_CHOICE:
        return schema_store_choice(field, value, slot);
    case SCHEMA_STRINGS:
        if (!are_strings(value, field->max))
            return false;
        *(const cJSON **)slot = value;
        return true;
    }
    return false;
}

static int schema_refuse(char **why, char *sentence) {
    *why = sentence;
    return -EINVAL;
}

/* Takes one member; `seen` and `present` are sets of rows. */
static int schema_take(const struct schema_field *fields, size_t count, const cJSON *member, void *out, uint64_t *seen,
                       uint64_t *present, char **why) {
    size_t index;
    const struct schema_field *field = schema_find(fields, count, member->string, &index);
    if (field == NULL)
        return schema_refuse(why, xasprintf("unknown member '%.64s'", member->string));
    if (*seen & (1ull << index))
        return schema_refuse(why, xasprintf("member '%s' is given twice", field->name));
    *seen |= 1ull << index;
    if (cJSON_IsNull(member))
        return 0;
    if (!schema_store(field, member, (char *)out + field->offset))
        return schema_refuse(why, type_sentence(field));
    *present |= 1ull << index;
    return 0;
}

int schema_decode(const struct schema_field *fields, size_t count, const cJSON *object, void *out, char **why) {
    uint64_t seen = 0, present = 0;
    if (object != NULL && !cJSON_IsObject(object))
        return schema_refuse(why, xstrdup("parameters must be given by name, in an object"));
    for (const cJSON *member = object ? object->child : NULL; member; member = member->next)
        if (schema_take(fields, count, member, out, &seen, &present, why) < 0)
            return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (fields[i].required && !(present & (1ull << i)))
            return schema_refuse(why, xasprintf("'%s' is missing", fields[i].name));
    return 0;
}

static void schema_encode_field(const struct schema_field *field, const void *slot, cJSON *object) {
    switch (field->type) {
    case SCHEMA_STRING:
        if (*(const char *const *)slot != NULL)
            cJSON_AddStringToObject(object, field->name, *(const char *const *)slot);
        break;
    case SCHEMA_BOOL:
        if (*(const bool *)slot != (field->preset != 0))
            cJSON_AddBoolToObject(object, field->name, *(const bool *)slot);
        break;
    case SCHEMA_INT:
        if (*(const int *)slot != field->preset)
            cJSON_AddNumberToObject(object, field->name, *(const int *)slot);
        break;
    case SCHEMA_CHOICE:
        if (*(const int *)slot != field->preset)
            cJSON_AddStringToObject(object, field->name, schema_choice_name(field->choices, *(const int *)slot));
        break;
    case SCHEMA_STRINGS:
        if (*(const cJSON *const *)slot != NULL)
            cJSON_AddItemToObject(object, field->name, cJSON_Duplicate(*(const cJSON *const *)slot, true));
        break;
    }
}

void schema_encode(const struct schema_field *fields, size_t count, const void *in, cJSON *object) {
    for (size_t i = 0; i < count; i++)
        schema_encode_field(&fields[i], (const char *)in + fields[i].offset, object);
}
