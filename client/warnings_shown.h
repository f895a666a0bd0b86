/* The warnings of many files as one interpreter would have shown them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

struct warnings_shown {
    char **once; /* what the action "once" has shown already */
    size_t once_count;
};

void warnings_shown_deinit(struct warnings_shown *shown);

/* Appends the texts of a result's (or an error's) `warnings`, an array or NULL. An entry without a category is about a
 * -W option that is not valid, which an interpreter says once, when it starts: `of_options` tells whether these are
 * wanted, or the others. */
void warnings_shown_append(struct warnings_shown *shown, struct buffer *err, const cJSON *warnings, bool of_options);
