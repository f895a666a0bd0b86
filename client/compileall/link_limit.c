/* Follows Lib/compileall.py: compile_file, with Path.resolve(). */
#include "client/compileall/link_limit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Whether the file is below the folder. Both paths have no links. */
static bool is_below(const char *folder, const char *file) {
    size_t len = strlen(folder);
    if (len == 1)
        return true; /* the root */
    return strncmp(folder, file, len) == 0 && file[len] == '/';
}

bool link_leads_out(const char *folder, const struct walk_entry *entry) {
    struct stat st;
    if (fstatat(entry->dir_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
        return false;
    /* A missing folder has nothing below it, and a link to a missing file leads out. */
    char *limit = realpath(folder, NULL), *target = realpath(entry->path, NULL);
    bool out = limit == NULL || target == NULL || !is_below(limit, target);
    free(limit);
    free(target);
    return out;
}
