/* A watch: a client's wish that the sources below some folders are compiled whenever they change, and that it is told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "proto/json.h"

struct connection;
struct reply;

/* Begins the watch that `span` (the parameters of the method `watch`) ask for. The reply, which is taken, gets its
 * number once all is followed, or an error. */
void watch_begin(struct connection *connection, struct reply *reply, struct json_span span);

/* Ends the connection's watch of that number. Returns whether there is one. */
bool watch_end(struct connection *connection, uint64_t number);

/* The client has read what it was sent: what was held back for that goes on. */
void watch_resume_all(struct connection *connection);

/* Ends all of the connection's watches: it is going. */
void watch_end_all(struct connection *connection);
