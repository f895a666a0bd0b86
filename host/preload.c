/* The object that is preloaded into an interpreter. Knows no Python: it asks the one it is in. */
#include "host/preload.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/python_version.h"
#include "host/control_message.h"

typedef int main_function(int argc, char **argv, char **environment);
typedef int start_function(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                           void (*rtld_fini)(void), void *stack_end);
typedef int host_function(int argc, char **argv);
typedef const char *version_function(void);

start_function __libc_start_main;

/* What Python the interpreter says it is, as "3.13.0 (main, ...) [GCC ...]"; NULL: it is no CPython. */
static const char *preload_python(void) {
    version_function *get_version = __extension__(version_function *) dlsym(RTLD_DEFAULT, "Py_GetVersion");
    return get_version != NULL ? get_version() : NULL;
}

static bool preload_has(const char *symbol) {
    return dlsym(RTLD_DEFAULT, symbol) != NULL;
}

/* Why no host can run in this interpreter, whatever objects there are; NULL: one may. */
static const char *preload_check(const char *python) {
    if (preload_has("pypy_main_startup") || preload_has("PyPy_GetVersion"))
        return "it is PyPy, not CPython";
    if (python == NULL)
        return "it is no Python, or one that hides its C functions";
    if (strstr(python, "free-threading build") != NULL)
        return "it is a free-threaded build; name the default build of the same version, whose .pyc files it reads";
    if (preload_has("_Py_NegativeRefcount") || preload_has("_Py_RefTotal"))
        return "it is a debug build";
    return NULL;
}

/* The folder of this object, without a slash at the end; the caller frees. */
static char *preload_folder(void) {
    Dl_info info;
    char real[PATH_MAX];
    if (dladdr((void *)(uintptr_t)preload_folder, &info) == 0 || realpath(info.dli_fname, real) == NULL)
        return xstrdup(".");
    *strrchr(real, '/') = '\0';
    return xstrdup(real);
}

/* Loads the host's object for that Python and returns its main(), or NULL with a reason, which the caller frees. */
static host_function *preload_find_host(const char *python, char **why) {
    struct python_version version;
    const char *problem = preload_check(python);
    if (problem == NULL && !python_version_parse(python, &version))
        problem = "it does not tell its version";
    if (problem != NULL) {
        *why = xstrdup(problem);
        return NULL;
    }
    char *folder = preload_folder();
    char *path = xasprintf("%s/pycompile-host-%u.%u.so", folder, version.major, version.minor);
    host_function *found = NULL;
    if (access(path, F_OK) < 0) {
        *why = xasprintf("it is Python %u.%u, and this installation has no pycompile-host-%u.%u.so", version.major,
                         version.minor, version.major, version.minor);
    } else {
        void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        found = object ? __extension__(host_function *) dlsym(object, "host_main") : NULL;
        if (found == NULL)
            *why = xasprintf("the host cannot be loaded into it: %s", dlerror());
    }
    free(path);
    free(folder);
    return found;
}

static int preload_fail(int argc, char **argv, char *why) {
    int fd = control_message_fd(argc, argv);
    if (fd >= 0)
        control_message_failure(fd, why);
    else
        fprintf(stderr, "pycompile-host: %s\n", why);
    free(why);
    return 1;
}

static int instead_of_python(int argc, char **argv, char **environment) {
    const char *fd = getenv(PRELOAD_VARIABLE);
    char *why = NULL;
    host_function *run = preload_find_host(preload_python(), &why);
    if (fd != NULL)
        close(atoi(fd));
    unsetenv(PRELOAD_VARIABLE);
    unsetenv("LD_PRELOAD");
    prctl(PR_SET_NAME, "pycompile-host");
    return run != NULL ? run(argc, argv) : preload_fail(argc, argv, why);
}

int __libc_start_main(main_function *python_main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
    start_function *start = __extension__(start_function *) dlsym(RTLD_NEXT, "__libc_start_main");
    if (start == NULL)
        _exit(127);
    return start(instead_of_python, argc, argv, init, fini, rtld_fini, stack_end);
}
