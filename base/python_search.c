/* Every place is a folder that may hold pythonX.Y, or a folder of such folders. */
#include "base/python_search.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interpreter_file.h"
#include "base/io.h"

#define LIST_MAX ((size_t)64 << 10)
#define VERSION_TEXT_MAX 256

/* Time for an interpreter to say its version. */
#define VERSION_MS 5000

/* Time for a search. */
#define SEARCH_MS 10000

/* Interpreters that are asked in one search. */
#define CANDIDATES_MAX 64

struct search {
    const struct python_version *version;
    const char *release; /* or NULL */
    struct buffer seen;  /* paths, a NUL after each */
    unsigned asked;
    int64_t deadline; /* of clock_ms() */
    int wake_fd;      /* ends the search when it is readable; -1: none */
    char *best;       /* path, or NULL */
    char *best_release;
};

static char *search_release(const char *interpreter, int64_t deadline, int wake_fd) {
    struct buffer said = {0};
    const char *const argv[] = {interpreter, "--version", NULL};
    static const char word[] = "Python ";
    char *release = NULL;
    int status = io_run(&(struct io_program){.path = interpreter,
                                             .argv = argv,
                                             .read_fd = STDOUT_FILENO,
                                             .limit = VERSION_TEXT_MAX,
                                             .deadline = deadline,
                                             .wake_fd = wake_fd},
                        &said);
    const char *text = buffer_string(&said);
    if (status == 0 && strncmp(text, word, strlen(word)) == 0)
        release = xstrndup(text + strlen(word), strcspn(text + strlen(word), " \r\n"));
    buffer_deinit(&said);
    return release;
}

char *python_search_release(const char *interpreter) {
    return search_release(interpreter, clock_ms() + VERSION_MS, -1);
}

/* The number behind the second dot; a pre-release is older than the release. */
static double patch_number(const char *release) {
    const char *dot = strchr(release, '.');
    dot = dot != NULL ? strchr(dot + 1, '.') : NULL;
    if (dot == NULL)
        return -1;
    char *end;
    double number = (double)strtoul(dot + 1, &end, 10);
    return *end == '\0' || *end == '+' ? number : number - 0.5;
}

static bool search_has_seen(const struct search *search, const char *path) {
    for (size_t at = 0; at < search->seen.len; at += strlen(search->seen.data + at) + 1)
        if (strcmp(search->seen.data + at, path) == 0)
            return true;
    return false;
}

/* Whether the interpreter of that release is wanted more than the best so far. */
static bool search_prefers(const struct search *search, const char *release) {
    struct python_version version;
    if (!python_version_parse(release, &version) || python_version_compare(&version, search->version) != 0)
        return false;
    if (search->release != NULL)
        return search->best == NULL && strcmp(release, search->release) == 0;
    return search->best == NULL || patch_number(release) > patch_number(search->best_release);
}

/* Whether no more interpreters are asked. */
static bool search_is_over(const struct search *search) {
    struct pollfd wake = {.fd = search->wake_fd, .events = POLLIN};
    return search->asked >= CANDIDATES_MAX || clock_left(search->deadline) == 0 || poll(&wake, 1, 0) > 0;
}

static void search_ask(struct search *search, const char *path) {
    int64_t deadline = clock_ms() + VERSION_MS;
    char *release = search_release(path, deadline < search->deadline ? deadline : search->deadline, search->wake_fd);
    if (release != NULL && search_prefers(search, release)) {
        free(search->best);
        free(search->best_release);
        search->best = xstrdup(path);
        search->best_release = release;
    } else {
        free(release);
    }
}

static void search_try(struct search *search, const char *named) {
    struct interpreter_file file;
    char *why = NULL;
    if (access(named, X_OK) < 0 || search_is_over(search))
        return;
    if (interpreter_file_find(named, &file, &why) == 0 && !search_has_seen(search, file.path)) {
        buffer_append(&search->seen, file.path, strlen(file.path) + 1);
        search->asked++;
        search_ask(search, file.path);
    }
    free(why);
    interpreter_file_deinit(&file);
}

static void search_folder(struct search *search, const char *folder) {
    char *path = xasprintf("%s/python%u.%u", folder, search->version->major, search->version->minor);
    search_try(search, path);
    free(path);
}

/* FOLDER/X/bin for each X. */
static void search_children(struct search *search, const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *bin = xasprintf("%s/%s/bin", folder, entry->d_name);
        search_folder(search, bin);
        free(bin);
    }
    closedir(dir);
}

static const char *search_variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value == '/' ? value : NULL;
}

/* $VARIABLE/below, else ~/usual; the caller frees, or NULL. */
static char *search_place(const char *variable, const char *below, const char *usual) {
    const char *value = search_variable(variable), *home = search_variable("HOME");
    if (value != NULL)
        return xasprintf("%s%s", value, below);
    return home != NULL ? xasprintf("%s/%s", home, usual) : NULL;
}

static void search_list(struct search *search) {
    struct buffer paths = {0};
    python_search_list(&paths);
    for (size_t at = 0; at < paths.len; at += strlen(paths.data + at) + 1)
        search_try(search, paths.data + at);
    buffer_deinit(&paths);
}

static void search_path(struct search *search) {
    const char *path = getenv("PATH");
    char *folders = xstrdup(path ? path : ""), *rest = folders;
    for (char *folder; (folder = strsep(&rest, ":")) != NULL;)
        if (*folder == '/')
            search_folder(search, folder);
    free(folders);
}

static void search_managers(struct search *search) {
    char *places[] = {
        search_place("PYENV_ROOT", "/versions", ".pyenv/versions"),
        search_variable("UV_PYTHON_INSTALL_DIR")
            ? xstrdup(search_variable("UV_PYTHON_INSTALL_DIR"))
            : search_place("XDG_DATA_HOME", "/uv/python", ".local/share/uv/python"),
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i] != NULL)
            search_children(search, places[i]);
        free(places[i]);
    }
}

static void search_conda(struct search *search) {
    static const char *const names[] = {"miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba"};
    const char *home = search_variable("HOME"), *prefix = search_variable("CONDA_PREFIX");
    char *folders[sizeof names / sizeof *names + 2] = {prefix ? xstrdup(prefix) : NULL, xstrdup("/opt/conda")};
    for (size_t i = 0; home != NULL && i < sizeof names / sizeof *names; i++)
        folders[i + 2] = xasprintf("%s/%s", home, names[i]);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *bin = folders[i] ? xasprintf("%s/bin", folders[i]) : NULL;
        char *environments = folders[i] ? xasprintf("%s/envs", folders[i]) : NULL;
        if (bin != NULL)
            search_folder(search, bin);
        if (environments != NULL)
            search_children(search, environments);
        free(bin);
        free(environments);
        free(folders[i]);
    }
}

char *python_search_find(const struct python_version *version, const char *release) {
    return python_search_find_until(version, release, -1);
}

char *python_search_find_until(const struct python_version *version, const char *release, int wake_fd) {
    struct search search = {
        .version = version, .release = release, .deadline = clock_ms() + SEARCH_MS, .wake_fd = wake_fd};
    search_list(&search);
    search_path(&search);
    search_managers(&search);
    search_conda(&search);
    search_folder(&search, "/usr/local/bin");
    search_folder(&search, "/usr/bin");
    buffer_deinit(&search.seen);
    free(search.best_release);
    return search.best;
}

char *python_search_list_file(void) {
    return search_place("XDG_CONFIG_HOME", "/pycompiled/pythons", ".config/pycompiled/pythons");
}

void python_search_list(struct buffer *paths) {
    char *path = python_search_list_file();
    struct buffer text = {0};
    struct stat st;
    bool fine = path != NULL && stat(path, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0) &&
                (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 && io_read_file(AT_FDCWD, path, 0, LIST_MAX, &text) == 0;
    char *rest = fine ? buffer_string(&text) : NULL;
    for (char *line; rest != NULL && (line = strsep(&rest, "\n")) != NULL;)
        if (*line == '/')
            buffer_append(paths, line, strlen(line) + 1);
    buffer_deinit(&text);
    free(path);
}
