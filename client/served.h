/* The minor versions that a daemon serves without a host of its own for them: in any interpreter that is found on this
 * machine. They are told by its status (run_link_status()). */
#pragma once

#include "base/python_version.h"
#include "proto/json.h"

bool served_has(const cJSON *status, const struct python_version *version);

/* Finds an interpreter of the newest such version that the specifier allows (python_version_allowed(); NULL allows
 * all). Returns its path, which the caller frees; NULL: there is none. Runs interpreters for their version. */
char *served_find(const cJSON *status, const char *specifier);
