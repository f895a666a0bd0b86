/* The files of the Python that this process has loaded. */
#include "host/python_files.h"

#include <Python.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
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

void python_files_note(void) {
    python_files_add(xstrdup(python_executable()));
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

static bool python_file_has_changed(const struct python_file *file) {
    struct stat st;
    return stat(file->path, &st) == 0 &&
           (st.st_dev != file->st.st_dev || st.st_ino != file->st.st_ino || st.st_size != file->st.st_size ||
            st.st_mtim.tv_sec != file->st.st_mtim.tv_sec || st.st_mtim.tv_nsec != file->st.st_mtim.tv_nsec);
}

bool python_files_have_changed(void) {
    int64_t now = clock_us();
    if (now - atomic_load_explicit(&python_files_unchanged_us, memory_order_relaxed) < PYTHON_FILES_FRESH_US)
        return false;
    for (size_t i = 0; i < python_file_count; i++)
        if (python_file_has_changed(&python_files[i]))
            return true;
    atomic_store_explicit(&python_files_unchanged_us, now, memory_order_relaxed);
    return false;
}
