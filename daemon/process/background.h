/* Becoming a background process, and reporting to the process that asked for it when the socket is ready. */
#pragma once

/* Forks. The parent waits for the child's report and exits with 0, or prints the message and exits with 1. The child
 * returns in a session of its own, with /dev/null as standard input and the log file of `socket_path` as its output.
 * The socket's folder must have been prepared (listen_prepare_folder()). */
void background_begin(const char *socket_path);

/* The child's report: ready (why NULL), or the reason of the failure. Later calls do nothing. */
void background_report(const char *why);
