/* It reads tokens roughly: strings, comments, words, and the fields of formatted strings. */
#include "host/source_scan.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/fnv.h"

/* A name of more characters has more than one after normalisation; a letter and its accent become one. */
#define SHORT_NAME 2
#define ANY_NAME SIZE_MAX

static bool is_ascii(const char *data, size_t len) {
    uint64_t bits = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        bits |= word;
    }
    for (; i < len; i++)
        bits |= (uint64_t)(unsigned char)data[i];
    return (bits & 0x8080808080808080u) == 0;
}

static bool is_word_byte(unsigned char byte) {
    return byte >= 0x80 || byte == '_' || (byte >= '0' && byte <= '9') ||
           ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

/* Returns the end of the word that begins at `data`. */
static const char *word_end(const char *data, const char *end) {
    while (data < end && is_word_byte((unsigned char)*data))
        data++;
    return data;
}

/* Whether a word has at most `max` characters and is not ASCII. Bytes that do not begin a UTF-8 sequence count like
 * ones that do. */
static bool is_suspect(const char *word, const char *end, size_t max) {
    size_t characters = 0;
    for (const char *c = word; c < end; c++)
        characters += ((unsigned char)*c & 0xc0) != 0x80;
    return characters <= max && !is_ascii(word, (size_t)(end - word));
}

static bool has_suspect(const char *data, const char *end, size_t max) {
    while (data < end) {
        const char *after = word_end(data, end);
        if (after > data && is_suspect(data, after, max))
            return true;
        data = after > data ? after : data + 1;
    }
    return false;
}

/* Whether every byte seems to belong to a well-formed sequence: a lead byte and the right number of others. */
static bool is_utf8(const unsigned char *s, size_t len) {
    for (size_t i = 0; i < len;) {
        size_t more = s[i] < 0x80 ? 0 : s[i] >= 0xf0 ? 3 : s[i] >= 0xe0 ? 2 : s[i] >= 0xc2 ? 1 : len;
        if (more >= len - i)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
        i += 1 + more;
    }
    return true;
}

/* Whether `name` is one of `names`, up to a NULL, in any case. */
static bool is_encoding(const char *name, size_t len, const char *const *names) {
    for (; *names != NULL; names++)
        if (strlen(*names) == len && strncasecmp(name, *names, len) == 0)
            return true;
    return false;
}

static bool is_encoding_byte(unsigned char byte) {
    return (byte < 0x80 && is_word_byte(byte)) || byte == '-' || byte == '.';
}

/* Finds the next declaration in [*at, end), and moves *at behind it. */
static bool next_declaration(const char **at, const char *end, const char **name, size_t *len) {
    while ((*at = memmem(*at, (size_t)(end - *at), "coding", 6)) != NULL) {
        *at += 6;
        if (*at == end || (**at != ':' && **at != '='))
            continue;
        do
            ++*at;
        while (*at < end && (**at == ' ' || **at == '\t'));
        *name = *at;
        while (*at < end && is_encoding_byte((unsigned char)**at))
            ++*at;
        *len = (size_t)(*at - *name);
        return true;
    }
    return false;
}

/* The end of the first two lines. */
static const char *declarations_end(const char *data, size_t len) {
    const char *end = memchr(data, '\n', len);
    end = end ? memchr(end + 1, '\n', len - (size_t)(end + 1 - data)) : NULL;
    return end ? end : data + len;
}

enum source_encoding source_scan_encoding(const char *data, size_t len) {
    static const char *const utf8[] = {"utf-8", "utf8", "utf_8", NULL};
    enum source_encoding encoding = SOURCE_ENCODING_DEFAULT;
    const char *end = declarations_end(data, len), *at = data, *name;
    size_t name_len;
    while (encoding != SOURCE_ENCODING_OTHER && next_declaration(&at, end, &name, &name_len))
        encoding = is_encoding(name, name_len, utf8) ? SOURCE_ENCODING_UTF8 : SOURCE_ENCODING_OTHER;
    return encoding;
}

/* Whether an encoding is declared in which names of one letter may look otherwise than in UTF-8. In those that have a
 * byte for a character, such a name is no valid UTF-8. */
static bool declares_other_encoding(const char *data, size_t len) {
    static const char *const plain[] = {
        "utf-8",   "utf8",   "utf_8",        "ascii",      "us-ascii",  "us_ascii",   "latin-1",     "latin1",
        "latin_1", "cp1252", "windows-1252", "iso-8859-1", "iso8859-1", "iso_8859_1", "iso-8859-15", NULL};
    const char *end = declarations_end(data, len), *at = data, *name;
    size_t name_len;
    while (next_declaration(&at, end, &name, &name_len))
        if (!is_encoding(name, name_len, plain))
            return true;
    return false;
}

/* The end of a string literal whose first quote is at data, or of the line where it is not closed. */
static const char *string_end(const char *data, const char *end) {
    char quote = *data;
    size_t quotes = end - data >= 3 && data[1] == quote && data[2] == quote ? 3 : 1;
    for (data += quotes; data < end; data++) {
        if (*data == '\\')
            data++;
        else if (*data == quote && (quotes == 1 || (end - data >= 3 && data[1] == quote && data[2] == quote)))
            return data + quotes;
        else if (*data == '\n' && quotes == 1)
            return data;
    }
    return end;
}

/* Whether a word is the prefix of a formatted string. */
static bool is_format_prefix(const char *word, const char *end) {
    return end - word <= 2 && (memchr(word, 'f', (size_t)(end - word)) || memchr(word, 'F', (size_t)(end - word)));
}

/* A place in the code, and the findings up to it. */
struct reader {
    const char *at, *end;
    bool nested; /* fields of formatted strings may hold any string */
    size_t max;  /* characters of a suspect word */
    bool found;  /* a suspect word, or something that is not to be read */
};

/* Fields within fields are read no deeper. */
#define DEPTH_MAX 32

static void scan_code(struct reader *reader, int depth);

/* Reads a field's format specification, from its colon to its closing brace. */
static void read_format(struct reader *reader, int depth) {
    while (reader->at < reader->end && !reader->found) {
        char c = *reader->at++;
        if (c == '}')
            return;
        if (c == '\n')
            break;
        if (c == '{')
            scan_code(reader, depth + 1);
    }
    reader->found = true; /* it is not closed */
}

/* Reads a formatted string and the code in its fields. */
static void read_formatted(struct reader *reader, int depth) {
    const char *end = reader->end;
    char quote = *reader->at;
    bool triple = end - reader->at >= 3 && reader->at[1] == quote && reader->at[2] == quote;
    reader->at += triple ? 3 : 1;
    while (reader->at < end && !reader->found) {
        const char *at = reader->at++;
        if (*at == quote && (!triple || (end - at >= 3 && at[1] == quote && at[2] == quote))) {
            reader->at = at + (triple ? 3 : 1);
            return;
        }
        if (*at == '\n' && !triple)
            break;
        int next = reader->at < end ? *reader->at : 0;
        if (reader->at < end && ((*at == '\\' && next != '{') || (*at == '{' && next == '{')))
            reader->at++;
        else if (*at == '{')
            scan_code(reader, depth + 1);
    }
    reader->found = true;
}

/* Skips a string literal, whose first quote is next. */
static void read_string(struct reader *reader, bool formatted, int depth) {
    const char *begin = reader->at;
    if (formatted && reader->nested) {
        read_formatted(reader, depth);
        return;
    }
    const char *close = string_end(begin, reader->end);
    reader->at = close < reader->end ? close : reader->end;
    bool fields = formatted && memchr(begin, '{', (size_t)(reader->at - begin)) != NULL;
    reader->found |= fields && has_suspect(begin, reader->at, reader->max);
}

static void scan_word(struct reader *reader) {
    const char *word = reader->at;
    reader->at = word_end(word, reader->end);
    reader->found |= is_suspect(word, reader->at, reader->max);
}

static void read_comment(struct reader *reader) {
    const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    reader->at = newline ? newline : reader->end;
}

/* Reads code: to the end if `depth` is 0, else to the brace that closes the field. */
static void scan_code(struct reader *reader, int depth) {
    const char *word = NULL, *after = NULL; /* the last word */
    int brackets = 0;
    reader->found |= depth > DEPTH_MAX;
    while (reader->at < reader->end && !reader->found) {
        char c = *reader->at;
        if (c == '"' || c == '\'') {
            read_string(reader, after == reader->at && is_format_prefix(word, after), depth);
        } else if (c == '#') {
            read_comment(reader);
        } else if (is_word_byte((unsigned char)c)) {
            word = reader->at;
            scan_word(reader);
            after = reader->at;
        } else {
            reader->at++;
            brackets += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
            if (depth > 0 && brackets < 0)
                return;
            if (depth > 0 && brackets == 0 && c == ':') {
                read_format(reader, depth);
                return;
            }
        }
    }
    reader->found |= depth > 0;
}

/* Whether names may be no ASCII and of at most `max` characters. */
static bool has_name(const char *data, size_t len, bool nested, size_t max) {
    if (declares_other_encoding(data, len))
        return true;
    if (is_ascii(data, len))
        return false;
    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        data += 3, len -= 3;
    if (!is_utf8((const unsigned char *)data, len))
        return true;
    struct reader reader = {.at = data, .end = data + len, .nested = nested, .max = max};
    if (has_suspect(data, data + len, max))
        scan_code(&reader, 0);
    return reader.found;
}

bool source_scan_has_latin_name(const char *data, size_t len, bool nested) {
    return has_name(data, len, nested, SHORT_NAME);
}

bool source_scan_has_other_name(const char *data, size_t len, bool nested) {
    return has_name(data, len, nested, ANY_NAME);
}

/* A set of constants. */
struct set {
    const char *at;
    uint64_t hash; /* the same whatever the order of its elements */
};

/* The number of sets that are remembered. */
#define SETS_MAX 64

static const char *skip_blanks(const char *data, const char *end) {
    while (data < end && (*data == ' ' || *data == '\t' || *data == '\n' || *data == '\r'))
        data++;
    return data;
}

/* The end of the constant at data and its hash, or NULL where there is none: a string, a number, None, True or False.
 */
static const char *constant_end(const char *data, const char *end, uint64_t *hash) {
    const char *after = word_end(data, end);
    size_t len = (size_t)(after - data);
    if (after < end && (*after == '"' || *after == '\'') && len <= 2) {
        const char *close = string_end(after, end);
        if (close >= end || close[-1] != *after)
            return NULL;
        *hash = fnv_hash(after + 1, close - 1);
        return close;
    }
    bool number = len > 0 && *data >= '0' && *data <= '9';
    bool name = (len == 4 && (memcmp(data, "None", 4) == 0 || memcmp(data, "True", 4) == 0)) ||
                (len == 5 && memcmp(data, "False", 5) == 0);
    *hash = fnv_hash(data, after);
    return number || name ? after : NULL;
}

/* Reads the set whose brace is at data. Returns how many elements it has, 0 where it is no set of constants. */
static size_t read_set(const char *data, const char *end, uint64_t *hash) {
    size_t count = 0;
    *hash = 0;
    for (data = skip_blanks(data + 1, end); data < end; data = skip_blanks(data + 1, end)) {
        uint64_t one;
        if (*data == '}')
            return count;
        data = constant_end(data, end, &one);
        if (data == NULL)
            return 0;
        *hash += one;
        count++;
        data = skip_blanks(data, end);
        if (data < end && *data == '}')
            return count;
        if (data == end || *data != ',')
            return 0;
    }
    return 0;
}

/* Whether the word before the brace is "in". */
static bool is_tested(const char *start, const char *brace) {
    while (brace > start && (brace[-1] == ' ' || brace[-1] == '\n'))
        brace--;
    return brace - start >= 3 && memcmp(brace - 2, "in", 2) == 0 && !is_word_byte((unsigned char)brace[-3]);
}

static bool is_other_scope(const char *from, const char *to) {
    static const char *const words[] = {"def ", "lambda", "class ", " for "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (memmem(from, (size_t)(to - from), words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

bool source_scan_has_equal_sets(const char *data, size_t len) {
    const char *start = data, *end = data + len;
    struct set sets[SETS_MAX];
    size_t known = 0;
    for (; (data = memchr(data, '{', (size_t)(end - data))) != NULL; data++) {
        uint64_t hash;
        size_t count = read_set(data, end, &hash);
        if (count == 0 || (count < 3 && !is_tested(start, data)))
            continue;
        size_t i = 0;
        while (i < known && sets[i].hash != hash)
            i++;
        if (i < known && is_other_scope(sets[i].at, data))
            return true;
        if (i == known && known < SETS_MAX)
            sets[known++] = (struct set){data, hash};
    }
    return false;
}
