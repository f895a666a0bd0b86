/* The URL of the remote server, in the forms that clients of Redis and Valkey take:
 *
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]      also valkey://
 *     rediss://...                                    TLS; also valkeys://
 *     unix://[[USER]:PASSWORD@]/PATH[?db=DB]
 *
 * Sources: IANA's registration of the scheme "redis"; redis-py for the last form. Users, passwords and paths may be
 * percent-encoded; rediss:// takes ?ssl_ca_certs=FILE, an absolute path. */
#pragma once

#include <stdbool.h>

#define REDIS_URL_PORT 6379

/* All strings are owned; redis_url_deinit() frees them. */
struct redis_url {
    bool tls;
    char *path; /* of a Unix socket; NULL: by TCP */
    char *host; /* NULL for a Unix socket; an IPv6 address stands without brackets */
    int port;
    char *user, *password; /* or NULL */
    char *ca_file;         /* trusted certificates; NULL: those of the system */
    unsigned db;
};

/* Takes the URL apart. Returns 0, or -EINVAL with a message in *why, which the caller frees; then `url` is empty. The
 * message shows no password. */
int redis_url_parse(const char *text, struct redis_url *url, char **why);
void redis_url_deinit(struct redis_url *url);

/* The URL as people see it, without user and password. The caller frees. */
char *redis_url_show(const struct redis_url *url);
