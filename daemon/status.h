/* The answer to `status`: versions, hosts, workers, queue, counters. */
#pragma once

#include <cjson/cJSON.h>

struct server;

/* Builds the object; the caller deletes it. */
cJSON *status_build(const struct server *server);
