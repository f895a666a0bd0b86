/* A host writes NAME.ID.PID.tmp beside NAME, where PID is its server's (host/pyc_file.c). */
#include "client/worker/leftovers.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

/* Whether the name is that of a temporary file: `start`, something, `end`. */
static bool leftovers_match(const char *name, const char *start, const char *end) {
    size_t len = strlen(name), start_len = strlen(start), end_len = strlen(end);
    return len > start_len + end_len && strncmp(name, start, start_len) == 0 && strcmp(name + len - end_len, end) == 0;
}

void leftovers_remove(const char *pyc, pid_t pid) {
    const char *slash = strrchr(pyc, '/');
    char *folder = slash != NULL ? xstrndup(pyc, (size_t)(slash - pyc) + 1) : xstrdup("./");
    char *start = xasprintf("%s.", slash != NULL ? slash + 1 : pyc), *end = xasprintf(".%ld.tmp", (long)pid);
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (leftovers_match(entry->d_name, start, end))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    free(folder);
    free(start);
    free(end);
}
