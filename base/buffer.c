/* Buffers grow by doubling. */
#include "base/buffer.h"

#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory) {
    if (memory == NULL) {
        fputs("pycompiled: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *xmalloc(size_t size) {
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size) {
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size) {
    return checked(realloc(old, size ? size : 1));
}

char *xstrdup(const char *text) {
    return checked(strdup(text));
}

char *xstrndup(const char *text, size_t len) {
    return checked(strndup(text, len));
}

void *xtsearch(const void *key, void **root, int (*compare)(const void *, const void *)) {
    return checked(tsearch(key, root, compare));
}

char *xvasprintf(const char *format, va_list args) {
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    return checked(len < 0 ? NULL : text);
}

char *xasprintf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    return text;
}

void buffer_deinit(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

char *buffer_reserve(struct buffer *buffer, size_t more) {
    if (more > SIZE_MAX / 2 - buffer->len)
        checked(NULL);
    size_t needed = buffer->len + more;
    if (needed > buffer->cap) {
        size_t cap = buffer->cap ? buffer->cap * 2 : 256;
        buffer->cap = cap < needed ? needed : cap;
        buffer->data = xrealloc(buffer->data, buffer->cap);
    }
    return buffer->data + buffer->len;
}

void buffer_append(struct buffer *buffer, const void *data, size_t len) {
    if (len == 0)
        return;
    memcpy(buffer_reserve(buffer, len), data, len);
    buffer->len += len;
}

void buffer_append_string(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c) {
    *buffer_reserve(buffer, 1) = c;
    buffer->len++;
}

void buffer_printf(struct buffer *buffer, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        checked(NULL);
    vsnprintf(buffer_reserve(buffer, (size_t)len + 1), (size_t)len + 1, format, again);
    va_end(again);
    buffer->len += (size_t)len;
}

void buffer_consume(struct buffer *buffer, size_t len) {
    if (len == 0)
        return;
    memmove(buffer->data, buffer->data + len, buffer->len - len);
    buffer->len -= len;
}

char *buffer_string(struct buffer *buffer) {
    *buffer_reserve(buffer, 1) = '\0';
    return buffer->data;
}
