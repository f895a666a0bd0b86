/* Whether a text is JSON (RFC 8259), and where in a checked text a member or an element stands.
 *
 * Nothing is built and nothing is decoded here: json.h does that. The functions that find something expect a text that
 * has passed json_check(), or a part of one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Deepest nesting of arrays and objects that is read. */
#define JSON_DEPTH_MAX 64

/* Bounds on a text, because a tree takes up to 50 times the memory of its text. */
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

/* Checks that the text is exactly one JSON value that a tree can hold: no NUL in a string, and no lone surrogate but
 * \udc80 to \udcff (json.h). Returns NULL, or a message (static). */
const char *json_check(const char *text, size_t len);

/* The same check within limits. */
const char *json_check_within(const char *text, size_t len, const struct json_limits *limits);

/* The same check, but every lone surrogate passes, as RFC 8259 has it. The functions below can find parts of such a
 * text; json_parse_checked() must not be given it. */
const char *json_check_grammar(const char *text, size_t len, const struct json_limits *limits);

/* Finds the value of a member of the object that `text` is, as raw text. A name is found however it is escaped. Of
 * several members with one name the last is found. */
struct json_span json_member(const char *text, size_t len, const char *name);

/* Finds several members in one pass: found[i] is the value of names[i]. */
void json_members(const char *text, size_t len, const char *const *names, struct json_span *found, size_t count);

/* Calls `element` with the raw text of each element of the array that `text` is, in order. */
void json_each_element(const char *text, size_t len, void (*element)(struct json_span element, void *context),
                       void *context);
