/* compileall's --hardlink-dupes. */
#pragma once

/* Makes the file `path` a link to `first` if both have the same bytes. Returns 0, or a negative errno value; the
 * file is then unchanged. */
int hardlink_if_same(const char *first, const char *path);
