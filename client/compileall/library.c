/* The library is PREFIX/lib/pythonX.Y, or PREFIX/lib64/pythonX.Y (sys.platlibdir), where the interpreter is
 * PREFIX/bin/NAME. */
#include "client/compileall/library.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

static int library_is_wanted(const struct dirent *entry) {
    static const char *const others[] = {".", "..", "__pycache__", "site-packages", "dist-packages"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(entry->d_name, others[i]) == 0)
            return 0;
    size_t len = strlen(entry->d_name);
    bool is_source = len > 3 && strcmp(entry->d_name + len - 3, ".py") == 0;
    return is_source || entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
}

/* PREFIX/LIB/pythonX.Y, which the caller frees; NULL if the library is not there. */
static char *library_in(const char *prefix, const char *lib, const char *xy) {
    char *folder = xasprintf("%s/%s/python%s", prefix, lib, xy), *os = xasprintf("%s/os.py", folder);
    bool is_there = access(os, R_OK) == 0;
    free(os);
    if (is_there)
        return folder;
    free(folder);
    return NULL;
}

/* The folder of the library, which the caller frees, or NULL. */
static char *library_folder(const char *interpreter, const char *xy) {
    char *real = realpath(interpreter, NULL), *slash = real ? strrchr(real, '/') : NULL, *folder = NULL;
    if (slash != NULL)
        *slash = '\0';
    slash = slash != NULL ? strrchr(real, '/') : NULL;
    if (slash != NULL) {
        *slash = '\0';
        folder = library_in(real, "lib", xy);
        if (folder == NULL)
            folder = library_in(real, "lib64", xy);
    }
    free(real);
    return folder;
}

int library_names(const char *interpreter, const char *xy, char ***names, size_t *count, char **why) {
    char *folder = interpreter != NULL && xy != NULL ? library_folder(interpreter, xy) : NULL;
    struct dirent **entries;
    int found = folder != NULL ? scandir(folder, &entries, library_is_wanted, alphasort) : -1;
    if (found < 0) {
        *why = xasprintf("the standard library of %s is not found", interpreter ? interpreter : "this Python");
        free(folder);
        return -ENOENT;
    }
    *names = xrealloc(*names, (*count + (size_t)found + 1) * sizeof **names);
    for (int i = 0; i < found; i++) {
        (*names)[(*count)++] = xasprintf("%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    free(folder);
    return 0;
}
