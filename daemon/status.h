/* The result of the method `status`: versions, hosts, workers, queue, counters, cache. */
#pragma once

#include <cjson/cJSON.h>

struct server;

/* Builds the object; the caller deletes it. */
cJSON *status_build(const struct server *server);
