/* TLS with OpenSSL; linked where hiredis_ssl and OpenSSL were found. */
#include "cache/remote/redis_tls.h"

#include <arpa/inet.h>
#include <errno.h>

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"

bool redis_tls_is_supported(void) {
    return true;
}

static SSL_CTX *tls_make_context(const char *ca_file) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        return NULL;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    int fine = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
               (ca_file != NULL ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
                                : SSL_CTX_set_default_verify_paths(context)) == 1;
    if (fine)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/* Sets the name that the certificate must have: a host's name, or an address. Whether OpenSSL took it. */
static bool tls_expect_host(SSL *ssl, const char *host) {
    unsigned char address[sizeof(struct in6_addr)];
    bool is_address = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static const char *tls_last_error(void) {
    static const char *const unknown = "unknown";
    unsigned long error = ERR_get_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
    return reason != NULL ? reason : unknown;
}

int redis_tls_begin(struct redisContext *redis, const char *host, const char *ca_file, char **why) {
    SSL_CTX *context = tls_make_context(ca_file);
    if (context == NULL) {
        *why = xasprintf("cannot begin TLS with %s: %s", ca_file != NULL ? ca_file : "the system's certificates",
                         tls_last_error());
        return -EPROTO;
    }
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context); /* `ssl` holds a reference */
    if (ssl == NULL || !tls_expect_host(ssl, host)) {
        SSL_free(ssl);
        *why = xasprintf("cannot begin TLS: %s", tls_last_error());
        return -EPROTO;
    }
    if (redisInitiateSSL(redis, ssl) == REDIS_OK) /* then `redis` owns `ssl` */
        return 0;
    long verified = SSL_get_verify_result(ssl);
    SSL_free(ssl);
    *why = xasprintf("cannot begin TLS: %s",
                     verified != X509_V_OK ? X509_verify_cert_error_string(verified) : redis->errstr);
    return -EPROTO;
}
