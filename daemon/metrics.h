/* The table of the daemon's metrics, and the result of the method `metrics`. Names of metrics and labels stay as they
 * are. */
#pragma once

#include <cjson/cJSON.h>

struct server;

/* {"families": [{name, type, unit, help, samples}]}; the caller deletes it. A sample has `labels` (an object of
 * strings), and `value`, or, in a histogram, `buckets` ([bound in seconds, how many are not longer] each), `sum` and
 * `count`. */
cJSON *metrics_build(const struct server *server);
