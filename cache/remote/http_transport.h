/* The transport to a web server: GET and PUT below a URL, many at once, by libcurl. */
#pragma once

#include "cache/remote/transport.h"

extern const struct transport_kind http_transport;
