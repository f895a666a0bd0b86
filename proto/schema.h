/* Tables that describe the members of a JSON object: name, type, range, default, and the place in a C structure.
 *
 * One table decodes an object, refuses a member that it does not name (a typo is never a silent default), sets the
 * defaults, and describes the members to a reader. The functions here know no table: compile_request.c and
 * search_request.c hold those of the requests. */
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
};

/* One choice of a SCHEMA_CHOICE; a list of them ends with name NULL. */
struct schema_choice {
    const char *name;
    int value;
};

/* One row: a member of the object. */
struct schema_field {
    const char *name;
    enum schema_type type;
    size_t offset; /* of the value in the structure */
    bool required;
    int min, max; /* of a SCHEMA_INT; `max` also of a SCHEMA_STRINGS: the most elements, 0: any number */
    const struct schema_choice *choices; /* of a SCHEMA_CHOICE */
    int preset;       /* default of a bool, int or choice; a value that no member can have means "not said" */
    int fallback;     /* the number that the server takes where an int is not said; 0: none can be named */
    unsigned marks;   /* what else the owner of the table says about the member */
    const char *text; /* description for the reader of openrpc.json; NULL in a table that is not described there */
};

/* Sets every member of the structure to its default: the preset, or NULL for a string and an array. */
void schema_init(const struct schema_field *fields, size_t count, void *out);

/* Decodes `object` (NULL: no members) into *out, which schema_init() or the caller has set to the defaults. A member
 * that is null counts as absent. Returns 0, or -EINVAL and in *why a sentence that names the member at fault; the
 * caller frees it. At most 64 fields. */
int schema_decode(const struct schema_field *fields, size_t count, const cJSON *object, void *out, char **why);

/* Adds to `object` each member of the structure whose value is not its default. */
void schema_encode(const struct schema_field *fields, size_t count, const void *in, cJSON *object);

/* The name of a choice's value, or NULL. */
const char *schema_choice_name(const struct schema_choice *choices, int value);
