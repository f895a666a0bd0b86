/* Each setting has a function that takes its value, and returns NULL or a static sentence that says what is wrong. */
#include "cache/remote/http_place.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/io.h"
#include "base/percent.h"

#define TOKEN_MAX ((size_t)16 << 10)

/* Caches of Bazel want names of 64 hexadecimal digits. */
#define NAME_HASH_SIZE 32

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

/* The settings of a web server; read-only belongs to all kinds of servers (cache/remote/address.c). */
static const struct place_setting {
    const char *name;
    bool is_path; /* absolute: the daemon and its hosts run in different folders */
    const char *(*take)(struct http_place *place, char *value); /* NULL: `member` gets the value */
    size_t member;
} settings[] = {
    {"layout", false, place_take_layout, 0},
    {"bearer-token", false, place_take_token, 0},
    {"bearer-token-file", true, place_take_token_file, 0},
    {"@header", false, place_take_header, 0},
    {"netrc-file", true, NULL, offsetof(struct http_place, netrc_file)},
    {"ca-file", true, NULL, offsetof(struct http_place, ca_file)},
    {"client-cert", true, NULL, offsetof(struct http_place, client_cert)},
    {"client-key", true, NULL, offsetof(struct http_place, client_key)},
    {"proxy", false, NULL, offsetof(struct http_place, proxy)},
};

#define SETTINGS_COUNT (sizeof settings / sizeof *settings)

/* The sentence that names all settings. The caller frees. */
static char *place_refuse_name(void) {
    struct buffer text = {0};
    buffer_append_string(&text, "it has a setting that is none of ");
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        buffer_printf(&text, "%s, ", settings[i].name);
    buffer_append_string(&text, "read-only");
    return buffer_string(&text);
}

static const char *place_set(struct http_place *place, const struct place_setting *setting, const char *value) {
    if (setting->take != NULL)
        return setting->take(place, xstrdup(value));
    char **member = (char **)((char *)place + setting->member);
    free(*member);
    *member = xstrdup(value);
    return NULL;
}

/* Returns NULL, or what is wrong, which the caller frees. */
static char *place_take(struct http_place *place, const struct spec_setting *given) {
    const struct place_setting *setting = settings, *end = settings + SETTINGS_COUNT;
    while (setting < end && strcmp(setting->name, given->name) != 0)
        setting++;
    if (setting == end)
        return place_refuse_name();
    if (setting->is_path && given->value[0] != '/')
        return xasprintf("its %s is not an absolute path", setting->name);
    const char *error = place_set(place, setting, given->value);
    return error != NULL ? xstrdup(error) : NULL;
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
    const char *url_error = place_take_url(place, spec->url);
    char *error = url_error != NULL ? xstrdup(url_error) : NULL;
    for (size_t i = 0; error == NULL && i < spec->count; i++)
        error = place_take(place, &spec->settings[i]);
    if (error == NULL) {
        *shown = xstrdup(place->url);
        return place;
    }
    *why = xasprintf("not a remote cache's URL: %s", error);
    free(error);
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
    uint8_t hash[NAME_HASH_SIZE];
    char digits[2 * NAME_HASH_SIZE + 1];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)name, strlen(name), NULL, 0);
    sodium_bin2hex(digits, sizeof digits, hash, sizeof hash);
    buffer_append_string(url, place->url);
    if (place->layout == HTTP_BAZEL)
        buffer_append_string(url, "ac/");
    if (place->layout == HTTP_SUBDIRS)
        buffer_printf(url, "%.2s/%s", digits, digits + 2);
    else
        buffer_append_string(url, digits);
    buffer_string(url);
}
