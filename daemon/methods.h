/* What a client's message asks for, and who does it. */
#pragma once

#include <stddef.h>

struct connection;

/* Handles one message (a request, a notification or a batch); answers go to the connection. */
void methods_handle(struct connection *connection, const char *text, size_t len);
