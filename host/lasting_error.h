/* Which errors of the compiler the cache may keep: those that each compile of the same source gives, on every machine
 * and at every moment. No Python here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

/* `data`: of a PyCompileError (proto/openrpc.json.in), for these bytes of a file. Errs towards false. */
bool lasting_error(const cJSON *data, const char *source, size_t len);
