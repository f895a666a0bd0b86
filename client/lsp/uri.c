/* See uri.h. */
#include "client/lsp/uri.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/buffer.h"

/* What follows "file:" and a host that is this machine's, or NULL. */
static const char *path_part(const char *uri) {
    static const char local[] = "localhost/";
    if (strncasecmp(uri, "file:", 5) != 0)
        return NULL;
    uri += 5;
    if (strncmp(uri, "//", 2) == 0)
        uri += strncasecmp(uri + 2, local, sizeof local - 1) == 0 ? sizeof local : 2;
    return *uri == '/' ? uri : NULL;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that %XX at `at` stands for, or -1. */
static int percent_byte(const char *at) {
    int high = hex_digit(at[1]);
    int low = high < 0 ? -1 : hex_digit(at[2]);
    return low < 0 ? -1 : high * 16 + low;
}

char *uri_to_path(const char *uri) {
    const char *at = path_part(uri);
    if (at == NULL)
        return NULL;
    struct buffer path = {0};
    for (; *at != '\0' && *at != '?' && *at != '#'; at++) {
        int byte = *at == '%' ? percent_byte(at) : (unsigned char)*at;
        if (byte <= 0) { /* malformed, or a NUL, which no path holds */
            buffer_deinit(&path);
            return NULL;
        }
        if (*at == '%')
            at += 2;
        buffer_append_char(&path, (char)byte);
    }
    return buffer_string(&path);
}

char *uri_from_path(const char *path) {
    struct buffer uri = {0};
    buffer_append_string(&uri, "file://");
    for (; *path != '\0'; path++) {
        unsigned char byte = (unsigned char)*path;
        if (byte < 0x80 && (isalnum(byte) || strchr("/-._~", byte)))
            buffer_append_char(&uri, *path);
        else
            buffer_printf(&uri, "%%%02X", byte);
    }
    return buffer_string(&uri);
}
