/* The folders of a request as its client sees them (base/place.h), against those that this process sees. */
#pragma once

#include <cjson/cJSON.h>

/* Returns the path of the first of `places` (an array of strings, or NULL) that leads to another folder here, or NULL
 * where there is none. Relative paths start at `dir_fd`, the open folder `cwd` (or AT_FDCWD and NULL). The path is part
 * of the array.
 *
 * A folder that was found to be the client's is taken as such for a millisecond: a batch has many files in one folder.
 * A folder that is replaced by another one can be replaced just as well between this look and the use of the path. */
const char *client_places_foreign(const cJSON *places, int dir_fd, const char *cwd);
