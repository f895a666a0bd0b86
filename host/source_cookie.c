/* Follows Lib/tokenize.py: detect_encoding(). */
#include "host/source_cookie.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\f';
}

/* The class [-\w.], in ASCII. */
static bool is_name_byte(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '-' || c == '.';
}

static const char *skip_blank(const char *at, const char *end) {
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static bool is_utf8_line(const char *at, const char *end) {
    while (at < end) {
        size_t len = utf8_sequence(at, end);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

/* Finds ^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+) in a line. Returns the length of the name, 0 where there is none. */
static size_t find_declaration(const char *line, const char *end, const char **name) {
    const char *at = skip_blank(line, end);
    if (at == end || *at != '#')
        return 0;
    while ((at = memmem(at, (size_t)(end - at), "coding", 6)) != NULL) {
        at += 6;
        if (at == end || (*at != ':' && *at != '='))
            continue;
        const char *first = at + 1;
        while (first < end && (*first == ' ' || *first == '\t'))
            first++;
        const char *last = first;
        while (last < end && is_name_byte(*last))
            last++;
        *name = first;
        if (last > first)
            return (size_t)(last - first);
    }
    return 0;
}

/* Whether a declaration may stand in the line after this one. */
static bool is_empty_or_comment(const char *line, const char *end) {
    const char *at = skip_blank(line, end);
    return at == end || *at == '#' || *at == '\r' || *at == '\n';
}

static enum source_cookie judge_name(const char *name, size_t len, char copy[SOURCE_COOKIE_SIZE]) {
    static const char *const utf8[] = {"utf-8", "utf8", NULL};
    static const char *const named[] = {
        "ascii",        "us-ascii",  "latin-1",    "latin1",     "iso-8859-1",   "iso8859-1",
        "iso-8859-2",   "iso8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-9",   "iso-8859-15",
        "iso8859-15",   "cp1250",    "cp1251",     "cp1252",     "windows-1250", "windows-1251",
        "windows-1252", "cp437",     "cp850",      "cp866",      "koi8-r",       "koi8-u",
        "euc-jp",       "shift-jis", "cp932",      "gbk",        "gb2312",       "big5",
        "euc-kr",       "cp949",     NULL};
    if (len >= SOURCE_COOKIE_SIZE)
        return SOURCE_COOKIE_UNKNOWN;
    for (size_t i = 0; i < len; i++)
        copy[i] = (char)(name[i] == '_' ? '-' : name[i]);
    copy[len] = '\0';
    for (size_t i = 0; utf8[i] != NULL; i++)
        if (strcasecmp(copy, utf8[i]) == 0)
            return SOURCE_COOKIE_UTF8;
    for (size_t i = 0; named[i] != NULL; i++)
        if (strcasecmp(copy, named[i]) == 0)
            return SOURCE_COOKIE_NAMED;
    return SOURCE_COOKIE_UNKNOWN;
}

enum source_cookie source_cookie_find(const char *data, size_t len, char name[SOURCE_COOKIE_SIZE]) {
    const char *end = data + len;
    for (int line = 0; line < 2 && data < end; line++) {
        const char *newline = memchr(data, '\n', (size_t)(end - data)), *declared;
        const char *stop = newline ? newline : end;
        if (!is_utf8_line(data, stop))
            return SOURCE_COOKIE_BROKEN;
        size_t declared_len = find_declaration(data, stop, &declared);
        if (declared_len > 0)
            return judge_name(declared, declared_len, name);
        if (!is_empty_or_comment(data, stop))
            break;
        data = newline ? newline + 1 : end;
    }
    return SOURCE_COOKIE_UTF8;
}
