/* A recursive descent over the grammar; and, over texts that have passed it, a faster walk by brackets and quotes. */
#include "proto/json_check.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* A place in a text; `why` is set at the first fault and ends all progress. */
struct cursor {
    const char *at;
    const char *end;
    const char *why;
    unsigned depth_max;
    size_t values_left;
    bool any_surrogate; /* lone surrogates that stand for no byte pass */
};

static bool cursor_fail(struct cursor *c, const char *why) {
    c->why = why;
    return false;
}

static void cursor_skip_space(struct cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        c->at++;
}

static bool cursor_take(struct cursor *c, char wanted) {
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

/* How many bytes of a word stand before the first one whose top bit is set in `marks`, or 0 where that is not cheap. */
static size_t bytes_before(uint64_t marks) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(marks) / 8;
#else
    return 0;
#endif
}

/* Passes over bytes that stand for themselves in a string: ASCII, no control characters, no quote, no backslash. Takes
 * eight at a time, and may stop early. A byte below the first of another kind is never marked: borrows go upwards. */
static const char *skip_plain(const char *at, const char *end) {
    const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
    uint64_t word;
    while ((size_t)(end - at) >= sizeof word) {
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        uint64_t control = word - ones * 0x20;
        uint64_t marks = (word | control | (quote - ones) | (backslash - ones)) & tops;
        if (marks != 0)
            return at + bytes_before(marks);
        at += sizeof word;
    }
    return at;
}

static bool is_short_escape(char kind) {
    switch (kind) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return true;
    default:
        return false;
    }
}

static bool check_escape(struct cursor *c) {
    if (c->at == c->end)
        return cursor_fail(c, "unterminated string");
    char kind = *c->at++;
    if (kind != 'u')
        return is_short_escape(kind) ? true : cursor_fail(c, "unknown escape in a string");
    int unit = utf8_hex(c->at, c->end, 4);
    if (unit < 0)
        return cursor_fail(c, "\\u is not followed by four hexadecimal digits");
    c->at += 4;
    if (unit == 0)
        return cursor_fail(c, "\\u0000 in a string");
    if (unit < 0xd800 || unit > 0xdfff || (unit >= 0xdc80 && unit <= 0xdcff))
        return true;
    if (unit < 0xdc00 && c->end - c->at >= 6 && c->at[0] == '\\' && c->at[1] == 'u') {
        int low = utf8_hex(c->at + 2, c->end, 4);
        if (low >= 0xdc00 && low <= 0xdfff) {
            c->at += 6;
            return true;
        }
    }
    return c->any_surrogate || cursor_fail(c, "lone surrogate that stands for no byte in a string");
}

static bool check_string(struct cursor *c) {
    if (!cursor_take(c, '"'))
        return cursor_fail(c, "string expected");
    while ((c->at = skip_plain(c->at, c->end)) < c->end) {
        unsigned char byte = (unsigned char)*c->at;
        if (byte == '"') {
            c->at++;
            return true;
        }
        if (byte == '\\') {
            c->at++;
            if (!check_escape(c))
                return false;
        } else if (byte < 0x20) {
            return cursor_fail(c, "control character in a string");
        } else if (byte < 0x80) {
            c->at++;
        } else {
            size_t len = utf8_sequence(c->at, c->end);
            if (len == 0)
                return cursor_fail(c, "invalid UTF-8");
            c->at += len;
        }
    }
    return cursor_fail(c, "unterminated string");
}

static bool check_digits(struct cursor *c) {
    const char *start = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > start ? true : cursor_fail(c, "malformed number");
}

static bool check_number(struct cursor *c) {
    cursor_take(c, '-');
    if (!cursor_take(c, '0') && !check_digits(c))
        return false;
    if (cursor_take(c, '.') && !check_digits(c))
        return false;
    if (cursor_take(c, 'e') || cursor_take(c, 'E')) {
        if (!cursor_take(c, '+'))
            cursor_take(c, '-');
        return check_digits(c);
    }
    return true;
}

static bool check_word(struct cursor *c, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
        return cursor_fail(c, "unknown word");
    c->at += len;
    return true;
}

static bool check_value(struct cursor *c, unsigned depth);

static bool check_members(struct cursor *c, unsigned depth) {
    cursor_skip_space(c);
    if (cursor_take(c, '}'))
        return true;
    do {
        cursor_skip_space(c);
        if (!check_string(c))
            return false;
        cursor_skip_space(c);
        if (!cursor_take(c, ':'))
            return cursor_fail(c, "':' expected");
        if (!check_value(c, depth))
            return false;
    } while (cursor_take(c, ','));
    return cursor_take(c, '}') ? true : cursor_fail(c, "',' or '}' expected");
}

static bool check_elements(struct cursor *c, unsigned depth) {
    cursor_skip_space(c);
    if (cursor_take(c, ']'))
        return true;
    do {
        if (!check_value(c, depth))
            return false;
    } while (cursor_take(c, ','));
    return cursor_take(c, ']') ? true : cursor_fail(c, "',' or ']' expected");
}

/* Checks a value and the white space on both its sides. */
static bool check_value(struct cursor *c, unsigned depth) {
    cursor_skip_space(c);
    if (c->at == c->end)
        return cursor_fail(c, "unexpected end");
    if (depth == c->depth_max && (*c->at == '{' || *c->at == '['))
        return cursor_fail(c, "nested too deeply");
    if (c->values_left-- == 0)
        return cursor_fail(c, "too many values");
    bool fine;
    switch (*c->at) {
    case '{':
        c->at++;
        fine = check_members(c, depth + 1);
        break;
    case '[':
        c->at++;
        fine = check_elements(c, depth + 1);
        break;
    case '"':
        fine = check_string(c);
        break;
    case 't':
        fine = check_word(c, "true");
        break;
    case 'f':
        fine = check_word(c, "false");
        break;
    case 'n':
        fine = check_word(c, "null");
        break;
    default:
        fine = check_number(c);
    }
    cursor_skip_space(c);
    return fine;
}

static const char *check_text(struct cursor *c) {
    if (check_value(c, 0) && c->at != c->end)
        c->why = "text behind the value";
    return c->why;
}

const char *json_check(const char *text, size_t len) {
    return json_check_within(text, len, &(struct json_limits){JSON_DEPTH_MAX, SIZE_MAX});
}

const char *json_check_within(const char *text, size_t len, const struct json_limits *limits) {
    struct cursor c = {text, text + len, NULL, limits->depth, limits->values, false};
    return check_text(&c);
}

const char *json_check_grammar(const char *text, size_t len, const struct json_limits *limits) {
    struct cursor c = {text, text + len, NULL, limits->depth, limits->values, true};
    return check_text(&c);
}

bool json_span_is(struct json_span span, const char *text) {
    return span.text != NULL && span.len == strlen(text) && memcmp(span.text, text, span.len) == 0;
}

/* The functions below pass over a text that json_check() has passed: brackets and quotes match. */

static void pass_string(struct cursor *c) {
    c->at++;
    while (*(c->at = skip_plain(c->at, c->end)) != '"')
        c->at += *c->at == '\\' ? 2 : 1;
    c->at++;
}

/* Passes over an array or an object. */
static void pass_brackets(struct cursor *c) {
    int depth = 0;
    while (c->at < c->end) {
        char byte = *c->at;
        if (byte == '"') {
            pass_string(c);
            continue;
        }
        c->at++;
        if (byte == '{' || byte == '[')
            depth++;
        else if ((byte == '}' || byte == ']') && --depth == 0)
            return;
    }
}

/* Passes over a number or a word. */
static void pass_word(struct cursor *c) {
    while (c->at<c->end && * c->at> ' ' && *c->at != ',' && *c->at != '}' && *c->at != ']')
        c->at++;
}

/* Passes over a value and the white space on both its sides. */
static struct json_span pass_value(struct cursor *c) {
    cursor_skip_space(c);
    const char *start = c->at;
    if (c->at == c->end)
        return (struct json_span){start, 0};
    if (*start == '"')
        pass_string(c);
    else if (*start == '{' || *start == '[')
        pass_brackets(c);
    else
        pass_word(c);
    const char *end = c->at;
    cursor_skip_space(c);
    return (struct json_span){start, (size_t)(end - start)};
}

/* The ASCII character that a \u escape stands for, or -1 for any other escape. */
static int escaped_ascii(const char *escape, const char *end) {
    int unit = escape[1] == 'u' ? utf8_hex(escape + 2, end, 4) : -1;
    return unit < 0x80 ? unit : -1;
}

/* Whether the text of a key, between its quotes, spells the name, which is of ASCII characters that need no escape. */
static bool key_is(struct json_span key, const char *name) {
    const char *at = key.text, *end = key.text + key.len;
    for (; *name != '\0'; name++) {
        bool escaped = at < end && *at == '\\';
        if (at == end || (escaped ? escaped_ascii(at, end) : *at) != *name)
            return false;
        at += escaped ? 6 : 1;
    }
    return at == end;
}

void json_members(const char *text, size_t len, const char *const *names, struct json_span *found, size_t count) {
    struct cursor c = {.at = text, .end = text + len};
    for (size_t i = 0; i < count; i++)
        found[i] = (struct json_span){NULL, 0};
    cursor_skip_space(&c);
    if (!cursor_take(&c, '{'))
        return;
    cursor_skip_space(&c);
    while (c.at < c.end && *c.at == '"') {
        const char *key = c.at + 1;
        pass_string(&c);
        struct json_span name = {key, (size_t)(c.at - key) - 1};
        cursor_skip_space(&c);
        c.at++; /* the colon */
        struct json_span value = pass_value(&c);
        for (size_t i = 0; i < count; i++)
            if (key_is(name, names[i]))
                found[i] = value;
        cursor_take(&c, ',');
        cursor_skip_space(&c);
    }
}

struct json_span json_member(const char *text, size_t len, const char *name) {
    struct json_span found;
    json_members(text, len, &name, &found, 1);
    return found;
}

void json_each_element(const char *text, size_t len, void (*element)(struct json_span element, void *context),
                       void *context) {
    struct cursor c = {.at = text, .end = text + len};
    cursor_skip_space(&c);
    if (!cursor_take(&c, '['))
        return;
    cursor_skip_space(&c);
    while (c.at < c.end && *c.at != ']') {
        element(pass_value(&c), context);
        cursor_take(&c, ',');
    }
}
