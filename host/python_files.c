/* The files of the Python that this process has loaded. */
#include "host/python_files.h"

#include <Python.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fnv.h"
#include "host/python_release.h"

#define FILES_MAX 3

/* The time for which the files are taken as unchanged after a look at them. On some file systems the three calls of
 * stat() take longer than a job that the cache answers. */
#define PYTHON_FILES_FRESH_US 1000

static struct python_file {
    char *path;
    struct stat st;
} python_files[FILES_MAX];
static size_t python_file_count;
static _Atomic int64_t python_files_unchanged_us; /* clock_us() when they were last found unchanged; 0: never */
static bool python_files_are_others;              /* since the start */

static bool python_file_is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Takes the path. A file that is not there is not watched. */
static void python_files_add(char *path) {
    struct python_file *file = &python_files[python_file_count];
    file->path = path;
    if (stat(path, &file->st) == 0)
        python_file_count++;
    else
        free(path);
}

/* The file that a function of the interpreter was loaded from. */
static void python_files_add_libpython(void) {
    Dl_info info;
    if (dladdr((void *)(uintptr_t)Py_GetVersion, &info) != 0 && info.dli_fname != NULL && info.dli_fname[0] == '/')
        python_files_add(xstrdup(info.dli_fname));
}

/* A module of the library, in the folder beside the executable's. */
static void python_files_add_library(void) {
    const char *executable = python_executable(), *slash = strrchr(executable, '/');
    size_t len = slash != NULL ? (size_t)(slash - executable) : 0;
    if (len >= strlen("/bin") && memcmp(executable + len - strlen("/bin"), "/bin", strlen("/bin")) == 0)
        python_files_add(xasprintf("%.*s/lib/python%d.%d/os.py", (int)(len - strlen("/bin")), executable,
                                   PY_MAJOR_VERSION, PY_MINOR_VERSION));
}

/* Whether this process runs another file than the interpreter's executable. An emulator such as valgrind is another
 * file too, but gives the executable's name. */
static bool python_file_does_not_run(const struct python_file *executable) {
    char running[PATH_MAX], *path = realpath(executable->path, NULL);
    struct stat st;
    ssize_t len = readlink("/proc/self/exe", running, sizeof running - 1);
    running[len > 0 ? len : 0] = '\0';
    bool other = path != NULL && len > 0 && strcmp(running, path) != 0 && stat("/proc/self/exe", &st) == 0 &&
                 !python_file_is_same(&st, &executable->st);
    free(path);
    return other;
}

void python_files_note(bool runs_executable) {
    python_files_add(xstrdup(python_executable()));
    if (runs_executable && python_file_count > 0)
        python_files_are_others = python_file_does_not_run(&python_files[0]);
    python_files_add_libpython();
    python_files_add_library();
}

void python_files_describe(struct buffer *out) {
    for (size_t i = 0; i < python_file_count; i++) {
        const struct stat *st = &python_files[i].st;
        buffer_printf(out, "%s %ju %ju %jd %jd.%09ld\n", python_files[i].path, (uintmax_t)st->st_dev,
                      (uintmax_t)st->st_ino, (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    }
}

void python_files_name(char name[PYTHON_FILES_NAME_SIZE]) {
    struct buffer text = {0};
    python_files_describe(&text);
    snprintf(name, PYTHON_FILES_NAME_SIZE, "%016" PRIx64, fnv_hash(text.data, text.data + text.len));
    buffer_deinit(&text);
}

void python_files_expect(const char *expected) {
    char name[PYTHON_FILES_NAME_SIZE];
    python_files_name(name);
    python_files_are_others |= strcmp(name, expected) != 0;
}

static bool python_file_has_changed(const struct python_file *file) {
    struct stat st;
    return stat(file->path, &st) == 0 && !python_file_is_same(&st, &file->st);
}

bool python_files_have_changed(void) {
    int64_t now = clock_us();
    if (python_files_are_others)
        return true;
    if (now - atomic_load_explicit(&python_files_unchanged_us, memory_order_relaxed) < PYTHON_FILES_FRESH_US)
        return false;
    for (size_t i = 0; i < python_file_count; i++)
        if (python_file_has_changed(&python_files[i]))
            return true;
    atomic_store_explicit(&python_files_unchanged_us, now, memory_order_relaxed);
    return false;
}
