/* The same functions for builds without hiredis_ssl and OpenSSL. */
#include "cache/remote/redis_tls.h"

#include <errno.h>

#include "base/buffer.h"

bool redis_tls_is_supported(void) {
    return false;
}

int redis_tls_begin(struct redisContext *context, const char *host, const char *ca_file, char **why) {
    *why = xstrdup("built without TLS");
    return -EPROTO;
}
