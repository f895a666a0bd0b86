/* Becoming a background process, and telling the one who asked when the socket is ready. */
#pragma once

/* Forks. The parent waits for the child's word and exits with 0, or prints its message and exits with 1.
 * The child returns, in a session of its own, with standard input /dev/null and its output in the log
 * file of `socket_path`, whose folder must have been prepared (listen.h). */
void background_begin(const char *socket_path);

/* The child's word: ready (why NULL), or what failed. Later calls do nothing. */
void background_report(const char *why);
