/* compileall's --hardlink-dupes. */
#pragma once

/* Where the file `path` has the same bytes as `first`, makes it a link to it. Returns 0, or a negative errno value:
 * then it is as it was. */
int hardlink_if_same(const char *first, const char *path);
