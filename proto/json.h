/* JSON trees: parsed from checked texts, printed, and read by member.
 *
 * The tree is cJSON's. cJSON reads more than JSON (text behind the value, control characters, invalid UTF-8, a NUL that
 * cuts a string) and less (no lone surrogates), so json_check.h checks each text first. cJSON is kept for what remains,
 * the tree itself: every distribution has it, and stricter libraries either are not in the oldest supported one or know
 * no lone surrogates.
 *
 * Strings in a tree are file-system bytes as Python has them. What was valid UTF-8 is UTF-8. The lone surrogates \udc80
 * to \udcff, which is how json.dumps(os.fsdecode(path)) writes bytes that are not UTF-8, are those bytes (PEP 383).
 * json_print() turns them back.
 *
 * cJSON allocates by xmalloc(): where there is no memory the process ends (base/buffer.h), so a tree is always whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "proto/json_check.h"

/* Every integer up to here has a number of its own in a tree. */
#define JSON_INTEGER_MAX ((int64_t)1 << 53)

/* Checks that the text is exactly one JSON value, and parses it. Returns the tree, which the caller gives to
 * cJSON_Delete(), or NULL and a message (static) in *error. */
cJSON *json_parse(const char *text, size_t len, const char **error);

/* Parses a text that has passed json_check(), or a part of one. Returns as json_parse(). */
cJSON *json_parse_checked(const char *text, size_t len, const char **error);

/* Appends the tree as one compact line. */
void json_print(const cJSON *tree, struct buffer *out);

/* Appends the string as a JSON string, quotes included; `text` as described at the file's head. */
void json_print_string(const char *text, struct buffer *out);

/* The members of an object as C values. Names are matched case-sensitively; a member of another type counts as absent.
 * The string (owned by the tree) or NULL: */
const char *json_get_string(const cJSON *object, const char *name);
/* The number or `missing`: */
double json_get_number(const cJSON *object, const char *name, double missing);
/* The number where it is an integer from min to max, else `missing`; both bounds within +-JSON_INTEGER_MAX: */
int64_t json_get_integer(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t missing);
/* Whether the member is true: */
bool json_get_bool(const cJSON *object, const char *name);

/* Adds a member: a string, or null where `text` is NULL. */
void json_add_string_or_null(cJSON *object, const char *name, const char *text);
