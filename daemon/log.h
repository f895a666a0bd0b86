/* The daemon's log: lines with a time stamp on standard error, which --background redirects to the log file. */
#pragma once

/* Writes one line; a newline is added. Text over 1023 bytes is cut. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
