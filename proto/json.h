/* JSON texts, strictly read and exactly written, on top of cJSON.
 *
 * cJSON reads more than JSON (trailing text, control characters, invalid UTF-8, NUL that cuts a
 * string) and less (no lone surrogates). json_parse() checks the whole grammar of RFC 8259 first.
 *
 * Strings in a tree are file-system bytes as Python has them: what was valid UTF-8 is UTF-8, and
 * the lone surrogates \udc80 to \udcff, which is how json.dumps(os.fsdecode(path)) writes bytes
 * that are not, are those bytes (PEP 383). json_print() turns them back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

/* Deepest nesting of arrays and objects that is read. */
#define JSON_DEPTH_MAX 64

/* How much a text may ask of who reads it: a tree takes up to 50 times the memory of its text. */
struct json_limits {
    unsigned depth; /* of nesting, JSON_DEPTH_MAX at most */
    size_t values;  /* in the text, at all levels */
};

/* A part of a JSON text, not owned. `text` is NULL where there is no such part. */
struct json_span {
    const char *text;
    size_t len;
};

/* Whether there is such a part, and it is exactly the text. */
bool json_span_is(struct json_span span, const char *text);

/* Checks that the text is exactly one JSON value, and parses it. Returns the tree, which the caller
 * gives to cJSON_Delete(), or NULL and a message (static) in *error. */
cJSON *json_parse(const char *text, size_t len, const char **error);

/* Likewise, of a text that has passed json_check(), or a part of one. */
cJSON *json_parse_checked(const char *text, size_t len, const char **error);

/* Checks the grammar alone. Returns NULL, or a message (static). */
const char *json_check(const char *text, size_t len);

/* Likewise, with limits. */
const char *json_check_within(const char *text, size_t len, const struct json_limits *limits);

/* Finds the value of a member of the object that `text` is, as raw text, without building a tree.
 * The text must have passed json_check(). Of several members of one name the last is found. */
struct json_span json_member(const char *text, size_t len, const char *name);

/* Likewise, several in one pass: found[i] is the value of names[i]. */
void json_members(const char *text, size_t len, const char *const *names, struct json_span *found, size_t count);

/* Calls `element` with the raw text of each element of the array that `text` is, in order. The text
 * must have passed json_check(). */
void json_each_element(const char *text, size_t len, void (*element)(struct json_span element, void *context),
                       void *context);

/* Appends the tree as one compact line. */
void json_print(const cJSON *tree, struct buffer *out);

/* Appends the string as a JSON string, quotes included; `text` as described at the file's head. */
void json_print_string(const char *text, struct buffer *out);

/* The members of an object as C values: the string (owned by the tree) or NULL; the number or
 * `missing`; the truth or false. Names are matched case-sensitively, of the right type alone. */
const char *json_get_string(const cJSON *object, const char *name);
double json_get_number(const cJSON *object, const char *name, double missing);
bool json_get_bool(const cJSON *object, const char *name);

/* Adds a member: a string, or null where `text` is NULL. */
void json_add_string_or_null(cJSON *object, const char *name, const char *text);
