/* The same functions for builds without hiredis_ssl and OpenSSL. */
#include "cache/remote_tls.h"

#include <errno.h>

#include "base/buffer.h"

bool remote_tls_is_supported(void) {
    return false;
}

int remote_tls_begin(struct redisContext *context, const char *host, const char *ca_file, char **why) {
    *why = xstrdup("built without TLS");
    return -EPROTO;
}
