/* Reads the socket's folder. */
#include "client/ctl/sockets.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/paths.h"

static void sockets_add(struct sockets *sockets, char *path) {
    sockets->paths = xrealloc(sockets->paths, (sockets->count + 1) * sizeof *sockets->paths);
    sockets->paths[sockets->count++] = path;
}

/* Whether the name is `base` with suffixes of hexadecimal digits. */
static bool sockets_is_sibling(const char *name, const char *base) {
    size_t len = strlen(base);
    const char *suffix = name + len;
    return strncmp(name, base, len) == 0 && *suffix == '.' && strspn(suffix, ".0123456789abcdef") == strlen(suffix);
}

void sockets_find(struct sockets *sockets) {
    char *shared = paths_socket(), *slash = strrchr(shared, '/');
    char *folder = slash == NULL ? xstrdup(".") : xstrndup(shared, slash == shared ? 1 : (size_t)(slash - shared));
    const char *base = slash ? slash + 1 : shared;
    DIR *dir = opendir(folder);
    *sockets = (struct sockets){0};
    sockets_add(sockets, shared);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (sockets_is_sibling(entry->d_name, base))
            sockets_add(sockets, xasprintf("%s%s", shared, entry->d_name + strlen(base)));
    }
    if (dir != NULL)
        closedir(dir);
    free(folder);
}

void sockets_deinit(struct sockets *sockets) {
    for (size_t i = 0; i < sockets->count; i++)
        free(sockets->paths[i]);
    free(sockets->paths);
    *sockets = (struct sockets){0};
}
