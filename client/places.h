/* The parameter `places` of a compile request: the folders that the request is about, as this process sees them. A host
 * in another mount namespace or root finds that its paths mean other folders, and refuses. */
#pragma once

#include <cjson/cJSON.h>

#include "proto/compile_request.h"

/* Returns the array for a request: the folders of its file and its cfile, and its pycache_prefix. Relative paths start
 * at this process's working directory, which must be the request's. A folder that is not there is left out. The caller
 * deletes. */
cJSON *places_of(const struct compile_request *request);

/* Encodes a request whose file is to be read or written, with its places. The caller deletes. */
cJSON *places_encode(const struct compile_request *request);
