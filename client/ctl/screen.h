/* A full screen on a terminal by plain VT sequences: one write for each picture, and no clearing before it, so that
 * nothing flickers. The terminal is as before when the process ends, by whatever signal it can catch. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

struct screen {
    int rows, columns;
    struct buffer picture; /* of the next screen_show() */
    int row;               /* of the picture, from 0 */
};

/* Takes the terminal of standard input and output. Returns 0, or -ENOTTY where there is none. */
int screen_open(struct screen *screen);
void screen_close(struct screen *screen);

/* Begins a picture of the present size. */
void screen_begin(struct screen *screen);

/* Adds a line, cut at the width; characters that would control the terminal become '?'. `bold`: a heading. Lines below
 * the last row are dropped. */
void screen_line(struct screen *screen, bool bold, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Shows the picture. */
void screen_show(struct screen *screen);

/* Waits for a key, a change of the size, or the time. Returns the key; 0: none; -1: the terminal is gone or a signal
 * asks for the end. */
int screen_wait(struct screen *screen, int ms);
