/* Small readers of the three formats: key = value lines, one line, one key of TOML. */
#include "client/python_wish.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/interpreter_file.h"

#define LINE_MAX_BYTES 4096

static bool is_trusted(const struct stat *st) {
    return st->st_uid == getuid() || st->st_uid == 0;
}

/* Opens a file that belongs to this user or root, or returns NULL. */
static FILE *open_trusted(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    FILE *file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_trusted(&st) ? fdopen(fd, "r") : NULL;
    if (file == NULL)
        close(fd);
    return file;
}

/* Removes the end of the line, and spaces. */
static char *trim(char *line) {
    while (isspace((unsigned char)*line))
        line++;
    size_t len = strlen(line);
    while (len > 0 && isspace((unsigned char)line[len - 1]))
        line[--len] = '\0';
    return line;
}

/* The value behind "KEY =" if the line has that key, or NULL. */
static char *value_of(char *line, const char *key) {
    size_t len = strlen(key);
    if (strncmp(line, key, len) != 0)
        return NULL;
    line = trim(line + len);
    return *line == '=' ? trim(line + 1) : NULL;
}

/* venv writes "version = 3.12.1", virtualenv and uv write "version_info = 3.12.1". */
static bool read_pyvenv(FILE *file, struct python_wish *wish) {
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, file) != NULL) {
        char *text = trim(line), *value = value_of(text, "version_info");
        value = value ? value : value_of(text, "version");
        if (value != NULL && python_version_parse(value, &wish->version))
            return true;
    }
    return false;
}

static bool wish_is_number(const char *text) {
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A version that pyenv has under another name: that of a virtual environment, or a link. */
static bool resolve_by_pyenv(struct python_wish *wish, const char *name) {
    const char *root = getenv("PYENV_ROOT"), *home = getenv("HOME");
    bool found = false;
    if (strchr(name, '/') != NULL || (root == NULL && home == NULL))
        return false;
    char *folder = root ? xasprintf("%s/versions/%s", root, name) : xasprintf("%s/.pyenv/versions/%s", home, name);
    char *config = xasprintf("%s/pyvenv.cfg", folder), *real = realpath(folder, NULL);
    FILE *file = open_trusted(config);
    if (file != NULL) {
        found = read_pyvenv(file, wish);
        fclose(file);
    }
    if (!found && real != NULL)
        found = python_version_parse(strrchr(real, '/') + 1, &wish->version);
    free(real);
    free(config);
    free(folder);
    return found;
}

/* Takes a version as people write it. Returns false where it asks for nothing. A name that is not understood is kept,
 * not ignored: another Python than the user means would be taken. */
static bool wish_take_name(struct python_wish *wish, const char *name) {
    if (*name == '\0' || *name == '#' || strcmp(name, "system") == 0)
        return false;
    if (*name == '/')
        wish->path = xstrdup(name);
    else if (wish_is_number(name))
        wish->specifier = xasprintf("==%s.*", name);
    else if (!python_version_parse(name, &wish->version) && !resolve_by_pyenv(wish, name))
        wish->unknown = xstrdup(name);
    else
        wish->release = python_version_release(name);
    wish->free_threaded = wish->path == NULL && python_version_is_free_threaded(name);
    return true;
}

/* The first line that names a version. */
static bool read_version_file(FILE *file, struct python_wish *wish) {
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, file) != NULL)
        if (wish_take_name(wish, trim(line)))
            return true;
    return false;
}

/* A variable with a version, or with several between colons, of which the first counts. */
static bool read_variable(struct python_wish *wish, const char *name) {
    const char *value = getenv(name);
    if (value == NULL || *value == '\0')
        return false;
    char *first = xstrndup(value, strcspn(value, ":"));
    bool found = wish_take_name(wish, first);
    if (found)
        wish->source = xasprintf("$%s", name);
    free(first);
    return found;
}

/* conda keeps a file for each installed package: conda-meta/python-3.12.1-BUILD.json. */
static bool read_conda(struct python_wish *wish) {
    const char *prefix = getenv("CONDA_PREFIX");
    if (prefix == NULL || *prefix == '\0')
        return false;
    char *path = xasprintf("%s/conda-meta", prefix);
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder != NULL && !found && (entry = readdir(folder)) != NULL;) {
        found = strncmp(entry->d_name, "python-", strlen("python-")) == 0 &&
                python_version_parse(entry->d_name, &wish->version);
        wish->free_threaded = found && python_version_is_free_threaded(entry->d_name);
    }
    if (folder != NULL)
        closedir(folder);
    if (found)
        wish->source = path;
    else
        free(path);
    return found;
}

/* Reads a TOML string on one line. Escapes are not read: no specifier has one. */
static char *toml_string(const char *value) {
    char quote = *value;
    const char *end = quote == '"' || quote == '\'' ? strchr(value + 1, quote) : NULL;
    return end ? xstrndup(value + 1, (size_t)(end - value - 1)) : NULL;
}

static bool read_pyproject(FILE *file, struct python_wish *wish) {
    char line[LINE_MAX_BYTES];
    bool in_project = false;
    while (wish->specifier == NULL && fgets(line, sizeof line, file) != NULL) {
        char *text = trim(line);
        if (*text == '[')
            in_project = strncmp(text, "[project]", strlen("[project]")) == 0;
        const char *value = in_project ? value_of(text, "requires-python") : NULL;
        wish->specifier = value ? toml_string(value) : NULL;
    }
    return wish->specifier != NULL;
}

/* The interpreter that the environment with that pyvenv.cfg was made with; the caller frees, or NULL. */
static char *wish_base_of(const char *config) {
    char *folder = xstrndup(config, (size_t)(strrchr(config, '/') - config));
    char *base = interpreter_file_base(folder);
    free(folder);
    return base;
}

static bool read_one(struct python_wish *wish, const char *folder, const char *name,
                     bool (*read)(FILE *, struct python_wish *)) {
    char *path = xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
    FILE *file = open_trusted(path);
    bool found = file != NULL && read(file, wish);
    if (file != NULL)
        fclose(file);
    if (found && read == read_pyvenv)
        wish->interpreter = wish_base_of(path);
    if (found)
        wish->source = path;
    else
        free(path);
    return found;
}

/* As read_one(), for the pyvenv.cfg of a virtual environment. One of a free-threaded build has lib/python3.13t. */
static bool read_environment(struct python_wish *wish, const char *folder, const char *name) {
    if (!read_one(wish, folder, name, read_pyvenv))
        return false;
    char *library = xasprintf("%.*s/lib/python%u.%ut", (int)(strrchr(wish->source, '/') - wish->source), wish->source,
                              wish->version.major, wish->version.minor);
    wish->free_threaded = access(library, F_OK) == 0;
    free(library);
    return true;
}

static bool look_in(struct python_wish *wish, const char *folder) {
    return read_environment(wish, folder, ".venv/pyvenv.cfg") ||
           read_one(wish, folder, ".python-version", read_version_file) ||
           read_one(wish, folder, "pyproject.toml", read_pyproject);
}

static bool look_upward(struct python_wish *wish, const char *folder) {
    char *path = xstrdup(folder);
    struct stat st;
    bool found = false;
    while (stat(path, &st) == 0 && is_trusted(&st) && !(found = look_in(wish, path))) {
        char *slash = strrchr(path, '/');
        if (slash == NULL || strcmp(path, "/") == 0)
            break;
        slash[slash == path] = '\0';
    }
    free(path);
    return found;
}

bool python_wish_find(struct python_wish *wish, const char *folder) {
    const char *environment = getenv("VIRTUAL_ENV");
    *wish = (struct python_wish){0};
    if (read_variable(wish, "UV_PYTHON"))
        return true;
    if (environment != NULL && *environment != '\0' && read_environment(wish, environment, "pyvenv.cfg"))
        return true;
    return read_conda(wish) || read_variable(wish, "PYENV_VERSION") || (folder != NULL && look_upward(wish, folder));
}

void python_wish_deinit(struct python_wish *wish) {
    free(wish->release);
    free(wish->specifier);
    free(wish->unknown);
    free(wish->path);
    free(wish->interpreter);
    free(wish->source);
    *wish = (struct python_wish){0};
}
