/* Objects decoded by a table: each member's name, type, place in a C structure and bounds. The same
 * table names the unknown member that it refuses, so a typo is never a silent default. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

enum schema_type {
    SCHEMA_STRING,  /* const char *, owned by the tree */
    SCHEMA_BOOL,    /* bool */
    SCHEMA_INT,     /* int, from min to max */
    SCHEMA_CHOICE,  /* int: the value of the named choice */
    SCHEMA_STRINGS, /* const cJSON *: the array, every element a string */
    SCHEMA_ANY,     /* const cJSON * */
};

/* One choice of a SCHEMA_CHOICE; a list of them ends with name NULL. */
struct schema_choice {
    const char *name;
    int value;
};

struct schema_field {
    const char *name;
    enum schema_type type;
    size_t offset;
    bool required;
    int min, max;
    const struct schema_choice *choices;
};

/* Decodes `object` (NULL: no members) into *out, whose defaults the caller has set; members that are
 * null count as absent. Returns 0, or -1 and a message naming the member at fault in `why`. At most
 * 64 fields. */
int schema_decode(const struct schema_field *fields, size_t count, const cJSON *object, void *out, char *why,
                  size_t why_size);

/* The name of a choice's value, or NULL. */
const char *schema_choice_name(const struct schema_choice *choices, int value);
