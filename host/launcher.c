/* Runs an interpreter's executable with pycompile-preload.so (host/preload.h) in it. The program pycompile-host runs
 * the interpreter that --interpreter=PATH names; a pycompile-host-X.Y that is this program has one compiled in. It does
 * not ask whether the interpreter may be trusted: the server does (base/interpreter_file.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/buffer.h"
#include "host/control_message.h"
#include "host/preload.h"

/* Above all descriptors that the server passes. */
#define OBJECT_FD_MIN 200

#ifndef HOST_PYTHON_EXECUTABLE
#define HOST_PYTHON_EXECUTABLE NULL
#endif

/* This program's file; the caller frees. Where /proc is not mounted, its path is that of execve(2), which the server
 * gives in full. */
static char *own_path(void) {
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len > 0)
        return xstrndup(path, (size_t)len);
    return xstrdup((const char *)getauxval(AT_EXECFN)); /* NOLINT(performance-no-int-to-ptr): as documented */
}

/* The object beside this program; the caller frees. */
static char *object_path(void) {
    char *own = own_path();
    const char *slash = strrchr(own, '/');
    char *path = xasprintf("%.*spycompile-preload.so", slash ? (int)(slash + 1 - own) : 0, own);
    free(own);
    return path;
}

/* Says why no host starts, and ends the program. Takes the text. */
static _Noreturn void launcher_fail(int argc, char **argv, char *why) {
    int fd = control_message_fd(argc, argv);
    if (fd >= 0)
        control_message_failure(fd, why);
    fprintf(stderr, "pycompile-host: %s\n", why);
    _exit(127);
}

static int open_object(const char *path) {
    int low = open(path, O_RDONLY | O_CLOEXEC);
    if (low < 0)
        return -errno;
    int fd = fcntl(low, F_DUPFD, OBJECT_FD_MIN);
    return fd >= 0 ? fd : fcntl(low, F_DUPFD, 3);
}

static const char *named_interpreter(int argc, char **argv) {
    return control_message_option(argc, argv, "--interpreter=");
}

/* The command line of the host: with --interpreter, which this program may have compiled in. */
static char **host_arguments(int argc, char **argv, const char *interpreter) {
    char **args = xcalloc((size_t)argc + 2, sizeof *args);
    int n = 0;
    args[n++] = argv[0];
    for (int i = 1; i < argc; i++)
        args[n++] = argv[i];
    if (named_interpreter(argc, argv) == NULL)
        args[n] = xasprintf("--interpreter=%s", interpreter);
    return args;
}

int main(int argc, char **argv) {
    const char *named = named_interpreter(argc, argv), *interpreter = named ? named : HOST_PYTHON_EXECUTABLE;
    if (interpreter == NULL)
        launcher_fail(argc, argv, xstrdup("an interpreter must be named"));
    char *path = object_path();
    int fd = open_object(path);
    if (fd < 0)
        launcher_fail(argc, argv, xasprintf("cannot open %s: %s", path, strerror(-fd)));
    /* By its descriptor: in LD_PRELOAD, a path ends at a space or a colon. */
    char *object = xasprintf("/proc/self/fd/%d", fd);
    if (access(object, F_OK) < 0)
        object = path;
    if (strpbrk(object, " :") != NULL)
        launcher_fail(argc, argv,
                      xasprintf("a path with a space or a colon needs /proc, which is not mounted: %s", path));
    char *number = xasprintf("%d", fd);
    if (setenv("LD_PRELOAD", object, 1) == 0 && setenv(PRELOAD_VARIABLE, number, 1) == 0)
        execv(interpreter, host_arguments(argc, argv, interpreter));
    launcher_fail(argc, argv, xasprintf("cannot run %s: %s", interpreter, strerror(errno)));
}
