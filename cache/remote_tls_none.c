/* For builds without hiredis_ssl and OpenSSL. See remote_tls.h. */
#include "cache/remote_tls.h"

#include "base/buffer.h"

bool remote_tls_is_supported(void) {
    return false;
}

char *remote_tls_begin(struct redisContext *context, const char *host, const char *ca_file) {
    (void)context;
    (void)host;
    (void)ca_file;
    return xstrdup("built without TLS");
}
