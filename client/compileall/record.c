/* CSV: the first field of each row is the path, in quotes if it has a comma, a quote or a newline. */
#include "client/compileall/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/io.h"

struct record_reader {
    const char *at, *end;
};

/* Appends the field at the reader, without its quotes. Returns false if a quote is not closed. */
static bool record_field(struct record_reader *reader, struct buffer *field) {
    bool quoted = reader->at < reader->end && *reader->at == '"';
    reader->at += quoted;
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (quoted && c == '"') {
            reader->at++;
            if (reader->at == reader->end || *reader->at != '"')
                return true;
        } else if (!quoted && strchr(",\r\n", c) != NULL) {
            return true;
        }
        buffer_append_char(field, c);
    }
    return !quoted;
}

/* Goes behind the row, whose other fields are hash and size. */
static bool record_end_row(struct record_reader *reader) {
    struct buffer rest = {0};
    bool fine = true;
    while (fine && reader->at < reader->end && *reader->at == ',') {
        reader->at++;
        fine = record_field(reader, &rest);
    }
    buffer_deinit(&rest);
    bool is_end = reader->at == reader->end || *reader->at == '\n' || *reader->at == '\r';
    while (reader->at < reader->end && (*reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
    return fine && is_end;
}

/* Whether the path is relative and stays where it begins. */
static bool record_is_inside(const char *path) {
    if (*path == '/' || *path == '\0')
        return false;
    for (; path != NULL; path = strchr(path, '/')) {
        path += *path == '/';
        if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || path[2] == '\0'))
            return false;
    }
    return true;
}

static bool record_is_source(const char *path) {
    size_t len = strlen(path);
    return len > 3 && strcmp(path + len - 3, ".py") == 0;
}

static int record_parse(const struct buffer *text, struct buffer *sources) {
    struct record_reader reader = {text->data, text->data + text->len};
    if (text->len > 0 && memchr(text->data, '\0', text->len) != NULL)
        return -EBADMSG;
    while (reader.at < reader.end) {
        size_t begin = sources->len;
        if (!record_field(&reader, sources) || !record_end_row(&reader))
            return -EBADMSG;
        const char *path = buffer_string(sources) + begin;
        if (record_is_inside(path) && record_is_source(path))
            sources->len++; /* with its NUL */
        else
            sources->len = begin;
    }
    return 0;
}

int record_read(int dir_fd, const char *path, struct buffer *sources) {
    struct buffer text = {0};
    size_t begin = sources->len;
    int result = io_read_file(dir_fd, path, O_NONBLOCK, RECORD_MAX, &text);
    if (result == 0)
        result = record_parse(&text, sources);
    if (result < 0)
        sources->len = begin;
    buffer_deinit(&text);
    return result;
}
