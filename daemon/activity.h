/* The result of the method `activity`: what is being compiled now, the slowest files, the latest errors. */
#pragma once

#include <cjson/cJSON.h>

struct server;

/* Builds the object; the caller deletes it. */
cJSON *activity_build(const struct server *server);
