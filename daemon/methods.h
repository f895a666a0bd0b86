/* The methods of the protocol: what each message of a client asks for, and which part of the daemon does it. */
#pragma once

#include "daemon/peers/connection.h"

/* Handles the messages (requests, notifications, batches) of a server's connections; answers go to the connection. */
extern const struct connection_events methods_events;
