/* A watch: at a client's request the sources below some folders are compiled whenever they change, and each result is
 * sent as a notification. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/pool/pools.h"
#include "proto/json.h"

struct interpreters;

struct connection;
struct return_address;

/* Begins the watch that `params` (the parameters of the method `watch`) describe. Takes the address: the answer is the
 * watch's number, once all folders are followed, or an error. */
void watch_begin(struct interpreters *interpreters, struct connection *connection, struct return_address *address,
                 struct json_span params);

/* Ends the connection's watch of that number. Returns whether there is one. */
bool watch_end(struct connection *connection, uint64_t number);
