/* A folder of a web server, and how it is spoken to: what a URL and its settings say.
 *
 *     https://[USER:PASSWORD@]HOST[:PORT]/PATH/ layout=subdirs bearer-token-file=FILE @header=NAME:VALUE ...
 *
 * FILE is an absolute path. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "cache/remote/spec.h"

/* How an entry's name becomes a path below the URL. All paths are made of the hash (BLAKE2b, 64 hexadecimal digits) of
 * the whole name, whose prefix is the version of the format: programs of different formats never ask for the same path,
 * and every server takes it, also where it wants hashes. */
enum http_layout {
    HTTP_SUBDIRS, /* the first two digits are a folder: for servers that keep each entry in a file */
    HTTP_FLAT,
    HTTP_BAZEL, /* ac/HASH: for caches of Bazel */
};

#define HTTP_HEADERS_MAX 16

/* All strings are owned. */
struct http_place {
    char *url; /* ends in "/"; without user and password */
    bool tls;
    enum http_layout layout;
    char *user, *password; /* or NULL */
    char *bearer_token;    /* or NULL, as all that follow */
    char *netrc_file;
    char *ca_file;
    char *client_cert, *client_key; /* files */
    char *proxy;                    /* URL; "": no proxy, whatever the environment says */
    char *headers[HTTP_HEADERS_MAX];
    size_t header_count;
};

/* Reads URL and settings. Returns the place, with the URL for people in *shown; or NULL with a message in *why that
 * shows no secret. The caller frees *shown and *why. */
struct http_place *http_place_parse(const struct spec *spec, char **shown, char **why);

/* Takes NULL; returns NULL. */
struct http_place *http_place_free(struct http_place *place);

/* Appends the URL of an entry, NUL-terminated; the name is that of cache/remote/seal.h. */
void http_place_url(const struct http_place *place, const char *name, struct buffer *url);
