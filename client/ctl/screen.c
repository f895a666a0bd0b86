/* The alternate screen; a picture is drawn over the one before, each line erased behind its end. */
#include "client/ctl/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios screen_before;
static volatile sig_atomic_t screen_ends, screen_resized;

static void screen_on_end(int signal) {
    screen_ends = 1;
}

static void screen_on_resize(int signal) {
    screen_resized = 1;
}

static void screen_write(const char *text, size_t len) {
    while (len > 0) {
        ssize_t done = write(STDOUT_FILENO, text, len);
        if (done < 0 && errno != EINTR)
            return;
        text += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
}

int screen_open(struct screen *screen) {
    static const char enter[] = "\033[?1049h\033[?25l\033[2J";
    *screen = (struct screen){0};
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &screen_before) < 0)
        return -ENOTTY;
    struct termios raw = screen_before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    struct sigaction end = {.sa_handler = screen_on_end}, resize = {.sa_handler = screen_on_resize};
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    sigaction(SIGWINCH, &resize, NULL);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    screen_write(enter, sizeof enter - 1);
    return 0;
}

void screen_close(struct screen *screen) {
    static const char leave[] = "\033[?25h\033[?1049l";
    screen_write(leave, sizeof leave - 1);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &screen_before);
    buffer_deinit(&screen->picture);
}

void screen_begin(struct screen *screen) {
    struct winsize size = {0};
    screen->rows = 24;
    screen->columns = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        screen->rows = size.ws_row;
        screen->columns = size.ws_col;
    }
    screen->picture.len = 0;
    screen->row = 0;
    buffer_append_string(&screen->picture, "\033[H");
}

/* Appends at most `columns` characters of the text. */
static void screen_append(struct buffer *picture, const char *text, int columns) {
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if ((byte & 0xc0) != 0x80 && columns-- == 0)
            return;
        buffer_append_char(picture, (char)(byte < 0x20 || byte == 0x7f ? '?' : *text));
    }
}

void screen_line(struct screen *screen, bool bold, const char *format, ...) {
    if (screen->row >= screen->rows)
        return;
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    buffer_append_string(&screen->picture, screen->row++ > 0 ? "\r\n" : "");
    buffer_append_string(&screen->picture, bold ? "\033[1m" : "");
    screen_append(&screen->picture, text, screen->columns);
    buffer_append_string(&screen->picture, bold ? "\033[0m\033[K" : "\033[K");
    free(text);
}

void screen_show(struct screen *screen) {
    buffer_append_string(&screen->picture, "\033[J");
    screen_write(screen->picture.data, screen->picture.len);
}

int screen_wait(struct screen *screen, int ms) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char key;
    if (screen_ends)
        return -1;
    int ready = poll(&input, 1, ms);
    if (screen_ends)
        return -1;
    if (ready < 0 || screen_resized) {
        screen_resized = 0;
        return 0;
    }
    if (ready == 0)
        return 0;
    return read(STDIN_FILENO, &key, 1) == 1 ? (unsigned char)key : -1;
}
