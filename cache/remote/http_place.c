/* Each setting has a function that takes its value, and returns NULL or a static sentence that says what is wrong. */
#include "cache/remote/http_place.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/percent.h"

#define TOKEN_MAX ((size_t)16 << 10)

/* Whether a text can stand in a header. */
static bool place_fits_header(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static const char *place_take_layout(struct http_place *place, char *value) {
    static const char *const names[] = {[HTTP_SUBDIRS] = "subdirs", [HTTP_FLAT] = "flat", [HTTP_BAZEL] = "bazel"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i]) == 0) {
            place->layout = (enum http_layout)i;
            free(value);
            return NULL;
        }
    free(value);
    return "its layout is none of subdirs, flat and bazel";
}

static const char *place_take_token(struct http_place *place, char *value) {
    free(place->bearer_token);
    place->bearer_token = value;
    return *value != '\0' && place_fits_header(value) ? NULL : "its bearer token is empty or has a control character";
}

static const char *place_take_token_file(struct http_place *place, char *path) {
    struct buffer text = {0};
    int status = io_read_file(AT_FDCWD, path, 0, TOKEN_MAX, &text);
    free(path);
    char *token = xstrndup(text.len > 0 ? text.data : "", text.len);
    buffer_deinit(&text);
    token[strcspn(token, "\r\n")] = '\0';
    if (status >= 0)
        return place_take_token(place, token);
    free(token);
    return "its bearer-token-file cannot be read";
}

static const char *place_take_header(struct http_place *place, char *value) {
    const char *colon = strchr(value, ':');
    if (place->header_count == HTTP_HEADERS_MAX || colon == NULL || colon == value || !place_fits_header(value)) {
        free(value);
        return "a header is not NAME:VALUE, or there are more than 16";
    }
    place->headers[place->header_count++] = value;
    return NULL;
}

static const struct place_setting {
    const char *name;
    const char *(*take)(struct http_place *place, char *value); /* NULL: `member` gets the value */
    size_t member;
} settings[] = {
    {"layout", place_take_layout, 0},
    {"bearer-token", place_take_token, 0},
    {"bearer-token-file", place_take_token_file, 0},
    {"@header", place_take_header, 0},
    {"netrc-file", NULL, offsetof(struct http_place, netrc_file)},
    {"ca-file", NULL, offsetof(struct http_place, ca_file)},
    {"client-cert", NULL, offsetof(struct http_place, client_cert)},
    {"client-key", NULL, offsetof(struct http_place, client_key)},
    {"proxy", NULL, offsetof(struct http_place, proxy)},
};

static const char *place_take(struct http_place *place, const struct spec_setting *given) {
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(settings[i].name, given->name) != 0)
            continue;
        if (settings[i].take != NULL)
            return settings[i].take(place, xstrdup(given->value));
        char **member = (char **)((char *)place + settings[i].member);
        free(*member);
        *member = xstrdup(given->value);
        return NULL;
    }
    return "it has a setting that is none of layout, bearer-token, bearer-token-file, netrc-file, ca-file, "
           "client-cert, "
           "client-key, proxy, read-only and @header";
}

/* USER:PASSWORD or USER, up to `end`. */
static const char *place_take_user(struct http_place *place, const char *text, const char *end) {
    const char *colon = memchr(text, ':', (size_t)(end - text));
    place->user = percent_decode(text, colon != NULL ? colon : end);
    place->password = colon != NULL ? percent_decode(colon + 1, end) : xstrdup("");
    return place->user != NULL && place->password != NULL ? NULL : "its user or password is badly encoded";
}

/* Splits the URL: user and password do not stay in it. */
static const char *place_take_url(struct http_place *place, const char *text) {
    const char *host = strstr(text, "://") + 3, *authority_end = host + strcspn(host, "/?#");
    const char *at = memrchr(host, '@', (size_t)(authority_end - host)), *error = NULL;
    size_t scheme = (size_t)(host - text);
    if (at != NULL) {
        error = place_take_user(place, host, at);
        host = at + 1;
    }
    if (error == NULL && (host == authority_end || *host == ':'))
        error = "it has no host";
    if (error == NULL && strpbrk(host, "?#") != NULL)
        error = "something follows its path";
    if (error == NULL && !place_fits_header(host))
        error = "it has a control character";
    const char *slash = host[strlen(host) - 1] != '/' ? "/" : "";
    place->url = xasprintf("%.*s%s%s", (int)scheme, text, host, slash);
    place->tls = strncmp(text, "https:", strlen("https:")) == 0;
    return error;
}

struct http_place *http_place_parse(const struct spec *spec, char **shown, char **why) {
    struct http_place *place = xcalloc(1, sizeof *place);
    const char *error = place_take_url(place, spec->url);
    for (size_t i = 0; error == NULL && i < spec->count; i++)
        error = place_take(place, &spec->settings[i]);
    if (error == NULL) {
        *shown = xstrdup(place->url);
        return place;
    }
    *why = xasprintf("not a remote cache's URL: %s", error);
    return http_place_free(place);
}

struct http_place *http_place_free(struct http_place *place) {
    if (place == NULL)
        return NULL;
    char *strings[] = {place->url,     place->user,        place->password,   place->bearer_token, place->netrc_file,
                       place->ca_file, place->client_cert, place->client_key, place->proxy};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
    for (size_t i = 0; i < place->header_count; i++)
        free(place->headers[i]);
    free(place);
    return NULL;
}

void http_place_url(const struct http_place *place, const char *name, struct buffer *url) {
    const char *digits = strrchr(name, ':');
    digits = digits != NULL ? digits + 1 : name;
    buffer_append_string(url, place->url);
    if (place->layout == HTTP_BAZEL)
        buffer_append_string(url, "ac/");
    if (place->layout == HTTP_SUBDIRS) {
        buffer_printf(url, "%.2s/", digits);
        digits += strnlen(digits, 2);
    }
    buffer_append_string(url, digits);
    buffer_string(url);
}
