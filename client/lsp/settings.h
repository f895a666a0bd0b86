/* What a person sets in the editor (initializationOptions, workspace/didChangeConfiguration), and what the environment
 * says where nothing is set. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "client/environment.h"

struct settings {
    const char *python; /* "X.Y", or NULL */
    int optimize;
    const cJSON *warnings; /* array of -W options, or NULL: those of PYTHONWARNINGS */
    bool compile_on_save;
    cJSON *tree; /* owns the strings above */
};

/* The defaults. */
void settings_init(struct settings *settings);
void settings_deinit(struct settings *settings);

/* Takes settings over from an object, or from its member `pycompiled` if it has one; what is not there is at its
 * default. null counts as nothing said. Returns 0, or -1 and a message in `why`: then nothing is changed. */
int settings_apply(struct settings *settings, const cJSON *object, char *why, size_t why_size);

/* Fills a compile request with settings and environment, from both of which it borrows. The Python is left out. */
void settings_request(const struct settings *settings, const struct environment *environment,
                      struct compile_request *request);
