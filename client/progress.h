/* The progress line of a terminal: files done of total, files a second, the current name. Drawn
 * once the work takes long, and gone before anything else is printed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool enabled;
    bool drawn;
    int64_t begin;
    int64_t next_draw;
};

/* Starts the clock. The line is never drawn where standard error is not a capable terminal or
 * `wanted` is false. At most one progress at a time (an interrupt clears it). */
void progress_init(struct progress *progress, bool wanted);

/* For poll(): milliseconds until the line should be drawn again, -1 for never. */
int progress_timeout(const struct progress *progress);

/* Draws, if it is time. `total` 0: not known; `current` may be NULL. */
void progress_update(struct progress *progress, size_t done, size_t total, const char *current);

/* Removes the line. */
void progress_clear(struct progress *progress);
