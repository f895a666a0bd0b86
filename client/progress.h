/* The progress line on a terminal: files done of total, files a second, the current name. It is drawn once the work
 * takes long, and removed before anything else is printed. */
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

/* Starts the clock. The line is never drawn if standard error is not a capable terminal or `wanted` is false. There
 * may be one progress at a time (an interrupt clears it). */
void progress_init(struct progress *progress, bool wanted);

/* A timeout for poll(): milliseconds until the line should be drawn again, or -1. */
int progress_timeout(const struct progress *progress);

/* Draws the line, if it is time. `total` is 0 if it is unknown; `current` may be NULL. */
void progress_update(struct progress *progress, size_t done, size_t total, const char *current);

/* Removes the line. */
void progress_clear(struct progress *progress);
