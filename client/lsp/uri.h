/* file: URIs (RFC 8089) and paths. Paths are bytes: what is percent-encoded need not be UTF-8. Pure. */
#pragma once

/* The path of a file: URI, which the caller frees; NULL where it names no file of this machine. */
char *uri_to_path(const char *uri);

/* The URI of an absolute path, which the caller frees. */
char *uri_from_path(const char *path);
