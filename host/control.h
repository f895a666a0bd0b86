/* The host's control socket: notifications to the server, and the order to leave. */
#pragma once

#include <stdbool.h>

/* Says that CPython `version` of that executable is up, or why it cannot be. */
void control_report_ready(int fd, const char *version, const char *executable);
void control_report_failure(int fd, const char *reason);

/* Reports the resident size, if it has changed much since the last report. Any thread may call it. */
void control_report_memory(int fd);

/* Reports the size of the cache, if it has changed much since the last report. Any thread may call it. */
void control_report_cache(int fd);

/* From now on the server is told when this process, or a child that it forks, dies of a signal that a compile could
 * have caused but another process has sent. Called once, before there are threads. */
void control_report_shots(int fd);

/* Starts a thread that ends the process at the socket's end, when no file is half written. Returns 0 or a
 * negative errno value. */
int control_watch(int fd);

/* Waits until `fd` can be read; false at the end of the control socket. For a process without threads. */
bool control_wait_readable(int fd, int control_fd);
