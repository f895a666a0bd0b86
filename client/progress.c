/* The line is drawn with a carriage return and erased to its end. */
#include "client/progress.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

#define FIRST_MS 500
#define EVERY_MS 100
#define WIDTH_DEFAULT 80
#define WIDTH_MAX 512

static const char clear_line[] = "\r\033[K";

/* Async-signal-safe: removes the line, then lets the signal have its usual effect. */
static void progress_interrupted(int signal_number) {
    ssize_t ignored = write(STDERR_FILENO, clear_line, sizeof clear_line - 1);
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void progress_init(struct progress *progress, bool wanted) {
    const char *term = getenv("TERM");
    *progress = (struct progress){.begin = clock_ms()};
    progress->next_draw = progress->begin + FIRST_MS;
    progress->enabled = wanted && isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

int progress_timeout(const struct progress *progress) {
    return progress->enabled ? clock_left(progress->next_draw) : -1;
}

static size_t terminal_width(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return WIDTH_DEFAULT;
    return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

/* Appends the end of the name, as much as fits in `room` columns. A byte counts as a column, so a name in another
 * script is cut early, never late. */
static void append_name(struct buffer *line, const char *name, size_t room) {
    size_t len = strlen(name);
    if (room < 8)
        return;
    buffer_append_char(line, ' ');
    room--;
    if (len > room) {
        name += len - (room - 3);
        while (((unsigned char)*name & 0xc0) == 0x80)
            name++;
        buffer_append_string(line, "...");
    }
    for (; *name != '\0'; name++)
        buffer_append_char(line, (char)((unsigned char)*name < 0x20 || *name == 0x7f ? '?' : *name));
}

/* Set once, when there is a line to clear. An ignored signal stays ignored. */
static void progress_catch_interrupts(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old, action = {.sa_handler = progress_interrupted};
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(signals[i], &action, NULL);
    }
}

bool progress_is_due(const struct progress *progress) {
    return progress->enabled && clock_left(progress->next_draw) == 0;
}

/* Takes a sample. Returns files a second since the oldest one that is kept. */
static double progress_speed(struct progress *progress, int64_t now) {
    size_t oldest = progress->sample_count < PROGRESS_SAMPLES ? 0 : progress->sample_count % PROGRESS_SAMPLES;
    bool any = progress->sample_count > 0;
    int64_t since = now - (any ? progress->samples[oldest].when : progress->begin);
    size_t done = progress->done - (any ? progress->samples[oldest].done : 0);
    if (!any) { /* the first sample is the beginning */
        progress->samples[0].when = progress->begin;
        progress->samples[0].done = 0;
        progress->sample_count = 1;
    }
    size_t next = progress->sample_count++ % PROGRESS_SAMPLES;
    progress->samples[next].when = now;
    progress->samples[next].done = progress->done;
    return since > 0 ? (double)done * 1000 / (double)since : 0;
}

/* Appends the time that the rest takes at that speed. */
static void append_time_left(struct buffer *line, size_t rest, double speed) {
    double seconds = (double)rest / speed;
    unsigned long whole = seconds < 360000 ? (unsigned long)(seconds + 0.5) : 359999;
    if (whole < 60)
        buffer_printf(line, ", %lu s left", whole);
    else if (whole < 3600)
        buffer_printf(line, ", %lu:%02lu left", whole / 60, whole % 60);
    else
        buffer_printf(line, ", %lu:%02lu:%02lu left", whole / 3600, whole / 60 % 60, whole % 60);
}

void progress_append(struct progress *progress, int64_t now, size_t width, const char *current, struct buffer *line) {
    size_t head = line->len;
    double speed = progress_speed(progress, now);
    buffer_printf(line, "[%zu/%zu%s] %.0f files/s", progress->done, progress->found, progress->all_found ? "" : "+",
                  speed);
    if (progress->all_found && progress->found > progress->done && speed > 0)
        append_time_left(line, progress->found - progress->done, speed);
    size_t used = line->len - head;
    if (used > width)
        line->len = head + width;
    else if (current != NULL)
        append_name(line, current, width - used);
}

void progress_draw(struct progress *progress, const char *current) {
    int64_t now = clock_ms();
    struct buffer line = {0};
    if (progress->next_draw == progress->begin + FIRST_MS)
        progress_catch_interrupts();
    progress->next_draw = now + EVERY_MS;
    buffer_append_string(&line, clear_line);
    progress_append(progress, now, terminal_width() - 1, current, &line);
    (void)io_write_all(STDERR_FILENO, line.data, line.len);
    progress->drawn = true;
    buffer_deinit(&line);
}

void progress_clear(struct progress *progress) {
    if (progress->drawn)
        (void)io_write_all(STDERR_FILENO, clear_line, sizeof clear_line - 1);
    progress->drawn = false;
}
