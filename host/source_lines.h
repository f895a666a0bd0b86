/* The lines of a source as Python's linecache reads them, taken from bytes in memory, since warnings quote their
 * line. Only for UTF-8; a source in another encoding is decoded by its caller first. No Python here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/source_cookie.h"

enum source_lines_status {
    SOURCE_LINES_READY,
    SOURCE_LINES_NONE,    /* linecache cannot decode the file, so it has no lines */
    SOURCE_LINES_ENCODED, /* the source is in the encoding `encoding`: decoded to UTF-8, see source_lines_use() */
    SOURCE_LINES_UNKNOWN, /* only the declared codec can tell */
};

struct source_lines {
    char encoding[SOURCE_COOKIE_SIZE]; /* for SOURCE_LINES_ENCODED */
    const char *data, *end;            /* borrowed; without a byte order mark */
    const char *at;                    /* the line `number`, where the last search ended */
    long number;
    bool marked; /* the source has a byte order mark */
};

/* Looks at the whole source, which must outlive *lines. */
enum source_lines_status source_lines_init(struct source_lines *lines, const char *data, size_t len);

/* The lines are those of this text, which is UTF-8 and must outlive *lines. */
void source_lines_use(struct source_lines *lines, const char *text, size_t len);

/* Finds line `number`, counted from 1, without its end: "\n", "\r" or "\r\n". Returns whether there is such a line.
 * Searches on from the last line that was asked for. */
bool source_lines_find(struct source_lines *lines, long number, const char **text, size_t *len);
