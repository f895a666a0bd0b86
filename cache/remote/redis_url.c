/* Each part has its reader, which returns NULL or a static sentence that says what is wrong. */
#include "cache/remote/redis_url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/percent.h"

#define PORT_MAX 65535
#define DB_MAX 1000000

static const struct url_scheme {
    const char *name;
    bool tls, unix_socket;
} schemes[] = {
    {"redis://", false, false},  {"valkey://", false, false}, {"rediss://", true, false},
    {"valkeys://", true, false}, {"unix://", false, true},
};

/* The number up to `max` that ends at `end`; -1: there is none. */
static long url_number(const char *text, const char *end, long max) {
    char *stop;
    errno = 0;
    long value = *text >= '0' && *text <= '9' ? strtol(text, &stop, 10) : -1;
    return value >= 0 && errno == 0 && stop == end && value <= max ? value : -1;
}

/* USER:PASSWORD, :PASSWORD, or USER (which is refused). */
static const char *url_read_credentials(const char *text, const char *end, struct redis_url *url) {
    const char *colon = memchr(text, ':', (size_t)(end - text));
    const char *user_end = colon != NULL ? colon : end;
    if (user_end > text && (url->user = percent_decode(text, user_end)) == NULL)
        return "its user's name is badly encoded";
    if (colon != NULL && (url->password = percent_decode(colon + 1, end)) == NULL)
        return "its password is badly encoded";
    return url->user != NULL && url->password == NULL ? "it has a user but no password" : NULL;
}

/* HOST, HOST:PORT, [IPv6], [IPv6]:PORT. */
static const char *url_read_host(const char *text, const char *end, struct redis_url *url) {
    const char *host_end = end, *port = NULL;
    if (*text == '[') {
        host_end = memchr(text, ']', (size_t)(end - text));
        if (host_end == NULL)
            return "a bracket is missing";
        if (host_end + 1 < end && host_end[1] != ':')
            return "something else than a port follows the address";
        port = host_end + 1 < end ? host_end + 2 : NULL;
        text++;
    } else if ((host_end = memchr(text, ':', (size_t)(end - text))) != NULL) {
        port = host_end + 1;
    } else {
        host_end = end;
    }
    url->host = host_end > text ? percent_decode(text, host_end) : xstrdup("localhost");
    if (url->host == NULL)
        return "its host is badly encoded";
    url->port = REDIS_URL_PORT;
    if (port != NULL && (url->port = (int)url_number(port, end, PORT_MAX)) <= 0)
        return "its port is not a number from 1 to 65535";
    return NULL;
}

static const char *url_read_db(const char *text, const char *end, struct redis_url *url) {
    long db = url_number(text, end, DB_MAX);
    url->db = db > 0 ? (unsigned)db : 0;
    return db < 0 ? "its database is not a number" : NULL;
}

/* Relative paths do not work: the daemon and its hosts run in different folders. */
static const char *url_read_ca_file(const char *text, const char *end, struct redis_url *url) {
    url->ca_file = percent_decode(text, end);
    if (url->ca_file == NULL)
        return "its ssl_ca_certs is badly encoded";
    return url->ca_file[0] == '/' ? NULL : "its ssl_ca_certs is not an absolute path";
}

/* The parameters behind the question mark. */
static const char *url_read_query(const char *text, struct redis_url *url) {
    static const char db[] = "db=", ca[] = "ssl_ca_certs=";
    while (*text != '\0') {
        const char *end = text + strcspn(text, "&"), *error = NULL;
        if (strncmp(text, db, strlen(db)) == 0)
            error = url_read_db(text + strlen(db), end, url);
        else if (url->tls && url->ca_file == NULL && strncmp(text, ca, strlen(ca)) == 0)
            error = url_read_ca_file(text + strlen(ca), end, url);
        else
            error = "it has a parameter that is none of db and (for TLS) ssl_ca_certs";
        if (error != NULL)
            return error;
        text = end + (*end == '&');
    }
    return NULL;
}

/* Everything behind the scheme. */
static const char *url_read_rest(const char *text, bool unix_socket, struct redis_url *url) {
    const char *query = text + strcspn(text, "?"), *place = text, *error = NULL;
    const char *authority_end = memchr(text, '/', (size_t)(query - text));
    if (authority_end == NULL)
        authority_end = query;
    const char *at = memrchr(text, '@', (size_t)(authority_end - text));
    if (at != NULL) {
        error = url_read_credentials(text, at, url);
        place = at + 1;
    }
    if (error == NULL && unix_socket) {
        url->path = *place == '/' ? percent_decode(place, query) : NULL;
        error = url->path == NULL ? "it names no absolute path" : NULL;
    } else if (error == NULL) {
        error = url_read_host(place, authority_end, url);
        if (error == NULL && query - authority_end > 1)
            error = url_read_db(authority_end + 1, query, url);
    }
    return error == NULL && *query == '?' ? url_read_query(query + 1, url) : error;
}

int redis_url_parse(const char *text, struct redis_url *url, char **why) {
    const char *error = "it begins with none of redis://, rediss://, valkey://, valkeys:// and unix://";
    *url = (struct redis_url){0};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].name);
        if (strncmp(text, schemes[i].name, len) == 0) {
            url->tls = schemes[i].tls;
            error = url_read_rest(text + len, schemes[i].unix_socket, url);
        }
    }
    if (error == NULL)
        return 0;
    *why = xasprintf("not a remote cache's URL: %s", error);
    redis_url_deinit(url);
    return -EINVAL;
}

void redis_url_deinit(struct redis_url *url) {
    char *strings[] = {url->path, url->host, url->user, url->password, url->ca_file};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
    *url = (struct redis_url){0};
}

char *redis_url_show(const struct redis_url *url) {
    struct buffer text = {0};
    bool bracket = url->host != NULL && strchr(url->host, ':') != NULL;
    if (url->path != NULL)
        buffer_printf(&text, "unix://%s", url->path);
    else
        buffer_printf(&text, "%s://%s%s%s:%d", url->tls ? "rediss" : "redis", bracket ? "[" : "", url->host,
                      bracket ? "]" : "", url->port);
    if (url->db > 0)
        buffer_printf(&text, url->path != NULL ? "?db=%u" : "/%u", url->db);
    buffer_string(&text);
    return text.data;
}
