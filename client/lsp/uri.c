/* Conversion between `file:` URIs and paths. */
#include "client/lsp/uri.h"

#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/percent.h"

/* Skips the scheme and a host that means this machine. Returns the encoded path, or NULL. */
static const char *uri_path_part(const char *uri) {
    static const char local[] = "localhost/";
    if (strncasecmp(uri, "file:", 5) != 0)
        return NULL;
    uri += 5;
    if (strncmp(uri, "//", 2) == 0)
        uri += strncasecmp(uri + 2, local, sizeof local - 1) == 0 ? sizeof local : 2;
    return *uri == '/' ? uri : NULL;
}

char *uri_to_path(const char *uri) {
    const char *path = uri_path_part(uri);
    return path != NULL ? percent_decode(path, path + strcspn(path, "?#")) : NULL;
}

char *uri_from_path(const char *path) {
    struct buffer uri = {0};
    buffer_append_string(&uri, "file://");
    percent_encode(&uri, path);
    return buffer_string(&uri);
}
