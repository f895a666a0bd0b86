/* The warnings of many files as one interpreter would show them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

struct warnings_shown {
    char **once; /* texts that the action "once" has shown */
    size_t once_count;
};

void warnings_shown_deinit(struct warnings_shown *shown);

/* Appends the texts of the `warnings` of a file's result or error, an array or NULL. An entry without a category is
 * about an invalid -W option, which an interpreter reports once, when it starts; `of_options` chooses these entries
 * or the others. */
void warnings_shown_append(struct warnings_shown *shown, struct buffer *err, const cJSON *warnings, bool of_options);
