/* The words by which people name the servers of the remote tier:
 *
 *     URL [NAME=VALUE ...] [URL [NAME=VALUE ...]] ...
 *
 * Words are separated by white space. A setting belongs to the URL before it; its value may be percent-encoded, so that
 * white space fits in. What URLs and settings mean is not decided here (cache/remote/address.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The most settings of a URL. */
#define SPEC_SETTINGS_MAX 32

struct spec_setting {
    char *name, *value; /* the value is decoded; "" for a word without "=" */
};

/* All strings are owned. */
struct spec {
    char *url;
    struct spec_setting settings[SPEC_SETTINGS_MAX];
    size_t count;
};

/* Reads the next URL with its settings from *text, and moves *text behind them. Returns 1; 0: there is none; or -EINVAL
 * with a message in *why, which the caller frees and which shows no value. spec_deinit() is due after 1 only. */
int spec_next(const char **text, struct spec *spec, char **why);
void spec_deinit(struct spec *spec);
