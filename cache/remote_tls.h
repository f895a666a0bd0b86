/* TLS for a connection of hiredis, whose own (hiredis_ssl) checks neither the system's certificates nor the server's
 * name unless it is given an OpenSSL object that does. */
#pragma once

#include <stdbool.h>

struct redisContext;

bool remote_tls_is_supported(void);

/* Does the handshake, with the context's time limit for each system call; the certificate must be of `host` and signed
 * by one in `ca_file` (NULL: one that the system trusts). Returns what is wrong, which the caller frees, or NULL. */
char *remote_tls_begin(struct redisContext *context, const char *host, const char *ca_file);
