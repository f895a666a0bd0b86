/* Where the remote tier of the cache is: a Redis or Valkey server's URL, as the clients of both take it:
 *
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]      also valkey://
 *     rediss://...                                    TLS; also valkeys://
 *     unix://[[USER]:PASSWORD@]/PATH[?db=DB]
 *
 * (IANA's registration of the scheme "redis"; redis-py for the last form.) Users, passwords and paths may be
 * percent-encoded; rediss:// takes ?ssl_ca_certs=FILE. */
#pragma once

#include <stdbool.h>

#define REMOTE_URL_PORT 6379

/* All strings are owned; see remote_url_parse(). */
struct remote_url {
    bool tls;
    char *path; /* of a Unix socket, or NULL */
    char *host; /* else; an IPv6 address without its brackets */
    int port;
    char *user, *password; /* or NULL */
    char *ca_file;         /* trusted certificates, or NULL: the system's */
    unsigned db;
};

/* Takes the URL apart. False, with a message in *why that the caller frees, where it is none; nothing is to be freed
 * then. The message shows no password. */
bool remote_url_parse(const char *text, struct remote_url *url, char **why);
void remote_url_deinit(struct remote_url *url);

/* The URL for people: without user and password. The caller frees. */
char *remote_url_show(const struct remote_url *url);
