/* Messages of a host to the server on the control socket, for the parts that run before and around control.h: the
 * launcher and the preloaded object have no Python. */
#pragma once

#include <cjson/cJSON.h>

/* The value of an option in a host's command line; `option` ends with "=". NULL: it has none. */
const char *control_message_option(int argc, char **argv, const char *option);

/* The descriptor of the control socket in a host's command line (--control=FD); -1: it has none. */
int control_message_fd(int argc, char **argv);

/* Sends a notification; takes the parameters. An error is ignored: it means that the server is gone. */
void control_message_send(int fd, const char *method, cJSON *params);

/* Says why there can be no host. */
void control_message_failure(int fd, const char *reason);
