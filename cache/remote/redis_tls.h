/* TLS for a connection of hiredis. Left to itself hiredis_ssl checks neither the certificate nor the name of the
 * server, so it is given an OpenSSL object that does. */
#pragma once

#include <stdbool.h>

struct redisContext;

/* Whether this build has TLS. */
bool redis_tls_is_supported(void);

/* Does the TLS handshake, with the context's time limit for each system call. The certificate must name `host` and be
 * signed by a certificate in `ca_file` (NULL: by one that the system trusts). Returns 0, or -EPROTO with a message in
 * *why, which the caller frees. */
int redis_tls_begin(struct redisContext *context, const char *host, const char *ca_file, char **why);
