/* The progress line on a terminal: files done of all, files a second, an estimate of the time left, a file that runs.
 * It is drawn once the work takes long, and removed before anything else is printed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* The speed is that of the time since the oldest of these samples, one for each drawing. */
#define PROGRESS_SAMPLES 32

struct progress {
    bool enabled;
    bool drawn;
    int64_t begin;
    int64_t next_draw;
    /* The counts, which the owner of the work keeps. */
    size_t found, done;
    bool all_found; /* `found` is the number of all files */
    struct {
        int64_t when;
        size_t done;
    } samples[PROGRESS_SAMPLES];
    size_t sample_count; /* so far; each is at its number modulo PROGRESS_SAMPLES */
};

/* Starts the clock. The line is never drawn if standard error is not a capable terminal or `wanted` is false. There
 * may be one progress at a time (an interrupt clears it). */
void progress_init(struct progress *progress, bool wanted);

/* A timeout for poll(): milliseconds until the line should be drawn again, or -1. */
int progress_timeout(const struct progress *progress);

/* Whether it is time to draw the line. */
bool progress_is_due(const struct progress *progress);

/* Draws the line. `current` is the file that runs, or NULL. */
void progress_draw(struct progress *progress, const char *current);

/* Appends the line's text at that time (of clock_ms()), at most `width` columns of it, and takes a sample. */
void progress_append(struct progress *progress, int64_t now, size_t width, const char *current, struct buffer *line);

/* Removes the line. */
void progress_clear(struct progress *progress);
