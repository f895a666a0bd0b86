/* Warnings and errors of the protocol with the name of the compiled file left open, so that they serve a file of any
 * name. Only the form: host/lasting_error.h decides which errors may be kept.
 *
 * A stored tree may be any JSON: it comes from the disk or from a remote server. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

/* Takes the name out of an array of warnings (or NULL). Returns whether the result serves other names too. If not, it
 * serves `name` alone. */
bool nameless_warnings(cJSON *warnings, const char *name);

/* The warnings with the name put in, or NULL where `stored` is not an array. The caller deletes. */
cJSON *nameless_warnings_for(const cJSON *stored, const char *name);

/* The same for the data of a PyCompileError (proto/openrpc.json.in). Members keep their order. */
bool nameless_error(cJSON *data, const char *name);

/* The data with the name put in, or NULL where `stored` is not of the form that nameless_error() makes. The caller
 * deletes. */
cJSON *nameless_error_for(const cJSON *stored, const char *name);
