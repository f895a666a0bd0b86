/* The transport to a Redis or Valkey server: all requests of an exchange are sent before the first reply is read
 * (pipelining). */
#pragma once

#include "cache/remote/transport.h"

extern const struct transport_kind redis_transport;
