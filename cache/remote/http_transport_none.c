/* The same for builds without libcurl. */
#include "cache/remote/http_transport.h"

#include <stddef.h>

#include "base/buffer.h"
#include "cache/remote/http_place.h"

static const char *const http_transport_schemes[] = {"http://", "https://", NULL};

static void *http_transport_parse(const struct spec *spec, char **shown, char **why) {
    return http_place_parse(spec, shown, why);
}

static void http_transport_forget(void *place) {
    http_place_free(place);
}

static const char *http_transport_missing(const void *place) {
    return "pycompiled was built without HTTP for a remote cache (libcurl)";
}

static struct transport *http_transport_open(const void *place, int64_t deadline_ms, char **why) {
    *why = xstrdup("built without libcurl");
    return NULL;
}

const struct transport_kind http_transport = {
    .schemes = http_transport_schemes,
    .parse = http_transport_parse,
    .forget = http_transport_forget,
    .missing = http_transport_missing,
    .open = http_transport_open,
};
