/* One header a level; the first one that differs decides. */
#include "client/compileall/up_to_date.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/pyc_header.h"
#include "base/pyc_path.h"

static bool check_level(const struct up_to_date *how, const struct walk_entry *entry, int optimize,
                        const struct pyc_header *wanted) {
    struct pyc_header found;
    int dir_fd = entry->dir_fd;
    char *path;
    if (how->legacy) {
        path = pyc_path_legacy(entry->name);
    } else if (how->prefix == NULL) {
        path = pyc_path(entry->name, how->cache_tag, optimize, NULL, NULL, how->strip_dot);
    } else {
        dir_fd = AT_FDCWD;
        path = pyc_path(entry->path, how->cache_tag, optimize, how->prefix, how->cwd, how->strip_dot);
    }
    bool current = pyc_header_read(dir_fd, path, &found) && pyc_header_equal(&found, wanted);
    free(path);
    return current;
}

bool up_to_date_check(const struct up_to_date *how, const struct walk_entry *entry, const struct stat *source) {
    struct pyc_header wanted = pyc_header_timestamp(how->magic, source);
    for (size_t i = 0; i < how->optimize_count; i++) {
        int optimize = how->optimize[i] < 0 ? how->optimize_default : how->optimize[i];
        if (!check_level(how, entry, optimize, &wanted))
            return false;
    }
    return true;
}

char *up_to_date_path(const struct up_to_date *how, const char *path, int optimize) {
    int level = optimize < 0 ? how->optimize_default : optimize;
    return how->legacy ? pyc_path_legacy(path)
                       : pyc_path(path, how->cache_tag, level, how->prefix, how->cwd, how->strip_dot);
}
