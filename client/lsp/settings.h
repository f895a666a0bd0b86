/* The settings that a user makes in the editor, by initializationOptions or workspace/didChangeConfiguration. The
 * environment gives the value of each option that is not set. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "client/environment.h"

struct settings {
    const char *python; /* "X.Y", or NULL */
    int optimize;
    const cJSON *warnings; /* array of -W options; NULL: those of PYTHONWARNINGS */
    bool compile_on_save;
    cJSON *tree; /* owns the strings above */
};

/* Sets the defaults. */
void settings_init(struct settings *settings);
void settings_deinit(struct settings *settings);

/* Replaces all settings by those of the object, or of its member `pycompiled` if it has one. A missing member takes its
 * default; null, NULL and an empty array count as an empty object. Returns 0; or -EINVAL with a sentence in *why, which
 * the caller frees, and leaves the settings unchanged. */
int settings_apply(struct settings *settings, const cJSON *object, char **why);

/* Fills a compile request from settings and environment; the request borrows from both. Its `python` is left NULL. */
void settings_request(const struct settings *settings, const struct environment *environment,
                      struct compile_request *request);
