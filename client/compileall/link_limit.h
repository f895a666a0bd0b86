/* compileall's -e: whether a link leads out of a folder. */
#pragma once

#include <stdbool.h>

#include "client/compileall/walk.h"

/* Whether the entry is a symbolic link to something that is not below `folder`. */
bool link_leads_out(const char *folder, const struct walk_entry *entry);
