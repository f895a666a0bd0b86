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

void progress_update(struct progress *progress, size_t done, size_t total, const char *current) {
    int64_t now = clock_ms();
    if (!progress->enabled || now < progress->next_draw)
        return;
    if (progress->next_draw == progress->begin + FIRST_MS)
        progress_catch_interrupts();
    progress->next_draw = now + EVERY_MS;
    size_t width = terminal_width() - 1;
    double seconds = (double)(now - progress->begin) / 1000;
    struct buffer line = {0};
    buffer_append_string(&line, "\r\033[K");
    size_t head = line.len;
    if (total > 0)
        buffer_printf(&line, "[%zu/%zu]", done, total);
    else
        buffer_printf(&line, "[%zu]", done);
    buffer_printf(&line, " %.0f files/s", (double)done / seconds);
    size_t used = line.len - head;
    if (used > width)
        line.len = head + width;
    else if (current != NULL)
        append_name(&line, current, width - used);
    (void)io_write_all(STDERR_FILENO, line.data, line.len);
    progress->drawn = true;
    buffer_deinit(&line);
}

void progress_clear(struct progress *progress) {
    if (progress->drawn)
        (void)io_write_all(STDERR_FILENO, clear_line, sizeof clear_line - 1);
    progress->drawn = false;
}
