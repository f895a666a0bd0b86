/* The host's control socket: what it tells the server, and the order to leave. */
#pragma once

#include <stdbool.h>

/* Says that CPython is up, or that it cannot be. */
void control_report_ready(int fd, const char *version, const char *cache_tag);
void control_report_failure(int fd, const char *reason);

/* Says how large the process is, if that has changed much since it was last said. Any thread may call it. */
void control_report_memory(int fd);

/* Says how much the cache holds, if that has changed much since it was last said. Likewise. */
void control_report_cache(int fd);

/* From now on the server is told where this process, or one that it forks, dies of a signal that a compile could have
 * caused but another process has sent. For the one thread that there is; and once. */
void control_report_shots(int fd);

/* Starts a thread that ends the process at the socket's end, when no file is half written. Returns 0 or an errno
 * value. */
int control_watch(int fd);

/* Waits until `fd` can be read; false at the end of the control socket. For a process without threads. */
bool control_wait_readable(int fd, int control_fd);
