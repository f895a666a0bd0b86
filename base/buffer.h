/* A growable run of bytes, and allocation that does not fail.
 *
 * Out of memory ends the process with a message: every process of pycompiled may be restarted, and
 * a client sees a broken connection, which it retries. So no caller checks for NULL. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Bytes [0, len) of data are in use; data is NULL until something was appended. Zero-initialised
 * ({0}) is empty. Contents are not NUL-terminated unless buffer_string() was called. */
struct buffer {
    char *data;
    size_t len;
    size_t cap;
};

/* About what malloc() adds to each block, where memory is counted. */
#define ALLOCATION_BYTES 16

/* Like malloc, calloc, realloc, strdup and strndup, but never NULL: they end the process. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);

/* Like tsearch(3). */
void *xtsearch(const void *key, void **root, int (*compare)(const void *, const void *));

/* Formats into a new string, which the caller frees. */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* Frees the bytes; the buffer is empty and usable afterwards. */
void buffer_deinit(struct buffer *buffer);

/* Makes room for `more` bytes behind len and returns where they start. */
char *buffer_reserve(struct buffer *buffer, size_t more);

void buffer_append(struct buffer *buffer, const void *data, size_t len);
void buffer_append_string(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Removes the first `len` bytes. */
void buffer_consume(struct buffer *buffer, size_t len);

/* Adds a NUL behind the contents (not counted in len) and returns them; valid until the next change. */
char *buffer_string(struct buffer *buffer);
