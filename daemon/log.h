/* The daemon's log: lines with a time on standard error, which --background points at the log file. */
#pragma once

/* Writes one line; a newline is added. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
