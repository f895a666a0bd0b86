/* Conversion between `file:` URIs (RFC 8089) and paths. A path is a sequence of bytes: its percent-encoded bytes need
 * not be UTF-8. Pure. */
#pragma once

/* Returns the path of a `file:` URI, which the caller frees. Returns NULL where the URI names no file of this machine:
 * another scheme or host, a relative path, a bad percent-encoding or an encoded NUL. The query and the fragment of the
 * URI are ignored. */
char *uri_to_path(const char *uri);

/* Returns the URI of an absolute path, which the caller frees. */
char *uri_from_path(const char *path);
