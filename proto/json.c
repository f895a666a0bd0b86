/* Parsing with cJSON behind the checks of json_check.c, and printing. */
#include "proto/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Without memory cJSON would leave members out without a word: xmalloc() ends the process instead. Every program that
 * holds a tree reads or prints it with this file, so that none can lack the hook. */
__attribute__((constructor)) static void json_init_memory(void) {
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = xmalloc, .free_fn = free});
}

/* Finds the next escape from \udc80 to \udcff, at or behind `at`, that is not the second half of a pair. */
static const char *next_byte_escape(const char *at, const char *end) {
    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        if (at[1] != 'u') {
            at += 2;
            continue;
        }
        int unit = utf8_hex(at + 2, end, 4);
        if (unit >= 0xdc80 && unit <= 0xdcff)
            return at;
        at += unit >= 0xd800 && unit <= 0xdbff ? 12 : 6;
    }
    return NULL;
}

/* cJSON refuses lone surrogates but takes any byte: puts the bytes in the place of the escapes that stand for them.
 * Returns whether there is such an escape; otherwise *out stays empty. */
static bool decode_byte_escapes(const char *text, size_t len, struct buffer *out) {
    const char *end = text + len;
    const char *escape = next_byte_escape(text, end);
    if (escape == NULL)
        return false;
    for (; escape != NULL; escape = next_byte_escape(text, end)) {
        buffer_append(out, text, (size_t)(escape - text));
        buffer_append_char(out, (char)(utf8_hex(escape + 2, end, 4) & 0xff));
        text = escape + 6;
    }
    buffer_append(out, text, (size_t)(end - text));
    return true;
}

cJSON *json_parse(const char *text, size_t len, const char **error) {
    *error = json_check(text, len);
    return *error == NULL ? json_parse_checked(text, len, error) : NULL;
}

cJSON *json_parse_checked(const char *text, size_t len, const char **error) {
    struct buffer decoded = {0};
    if (decode_byte_escapes(text, len, &decoded)) {
        text = decoded.data;
        len = decoded.len;
    }
    cJSON *tree = cJSON_ParseWithLength(text, len);
    buffer_deinit(&decoded);
    if (tree == NULL)
        *error = "not understood";
    return tree;
}

/* How many bytes at `at` can be printed as they are: well-formed UTF-8 that needs no escape. */
static size_t plain_run(const char *at, const char *end) {
    const char *start = at;
    while (at < end) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\' || byte < 0x20 || byte == 0x7f)
            break;
        size_t len = byte < 0x80 ? 1 : utf8_sequence(at, end);
        if (len == 0)
            break;
        at += len;
    }
    return (size_t)(at - start);
}

static void print_escape(unsigned char byte, struct buffer *out) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = byte ? strchr(from, byte) : NULL;
    if (known != NULL) {
        buffer_append_char(out, '\\');
        buffer_append_char(out, to[known - from]);
    } else {
        buffer_printf(out, "\\u%04x", byte < 0x80 ? byte : 0xdc00 + byte);
    }
}

void json_print_string(const char *text, struct buffer *out) {
    const char *end = text + strlen(text);
    buffer_append_char(out, '"');
    while (text < end) {
        size_t run = plain_run(text, end);
        buffer_append(out, text, run);
        text += run;
        if (text < end)
            print_escape((unsigned char)*text++, out);
    }
    buffer_append_char(out, '"');
}

static void print_number(double number, struct buffer *out) {
    if (isnan(number) || isinf(number))
        buffer_append_string(out, "null");
    else if (number > -1e15 && number < 1e15 && number == (double)(long long)number)
        buffer_printf(out, "%lld", (long long)number);
    else
        buffer_printf(out, "%.17g", number);
}

static void print_children(const cJSON *tree, char open, char close, struct buffer *out) {
    buffer_append_char(out, open);
    for (const cJSON *child = tree->child; child != NULL; child = child->next) {
        if (open == '{') {
            json_print_string(child->string, out);
            buffer_append_char(out, ':');
        }
        json_print(child, out);
        if (child->next != NULL)
            buffer_append_char(out, ',');
    }
    buffer_append_char(out, close);
}

void json_print(const cJSON *tree, struct buffer *out) {
    if (cJSON_IsObject(tree))
        print_children(tree, '{', '}', out);
    else if (cJSON_IsArray(tree))
        print_children(tree, '[', ']', out);
    else if (cJSON_IsString(tree))
        json_print_string(tree->valuestring, out);
    else if (cJSON_IsNumber(tree))
        print_number(tree->valuedouble, out);
    else if (cJSON_IsRaw(tree))
        buffer_append_string(out, tree->valuestring);
    else
        buffer_append_string(out, cJSON_IsTrue(tree) ? "true" : cJSON_IsFalse(tree) ? "false" : "null");
}

const char *json_get_string(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

double json_get_number(const cJSON *object, const char *name, double missing) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

int64_t json_get_integer(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t missing) {
    double number = json_get_number(object, name, NAN);
    if (!(number >= (double)min && number <= (double)max) || number != (double)(int64_t)number)
        return missing;
    return (int64_t)number;
}

bool json_get_bool(const cJSON *object, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

void json_add_string_or_null(cJSON *object, const char *name, const char *text) {
    if (text != NULL)
        cJSON_AddStringToObject(object, name, text);
    else
        cJSON_AddNullToObject(object, name);
}
