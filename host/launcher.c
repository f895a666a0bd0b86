/* pycompile-host-X.Y where the host runs inside the interpreter's executable (host/as_program.h): runs that executable
 * with the host's object preloaded. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/buffer.h"
#include "host/as_program.h"

/* Above all descriptors that the server passes. */
#define OBJECT_FD_MIN 200

/* The object beside this program; the caller frees. Where /proc is not mounted, this program's path is that of
 * execve(2), which the server gives in full. */
static char *object_path(void) {
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len > 0)
        return xasprintf("%.*s.so", (int)len, path);
    return xasprintf("%s.so",
                     (const char *)getauxval(AT_EXECFN)); /* NOLINT(performance-no-int-to-ptr): as documented */
}

static int open_object(const char *path) {
    int low = open(path, O_RDONLY | O_CLOEXEC);
    if (low < 0)
        fprintf(stderr, "pycompile-host: cannot open %s: %s\n", path, strerror(errno));
    int fd = low < 0 ? -1 : fcntl(low, F_DUPFD, OBJECT_FD_MIN);
    return fd >= 0 ? fd : low < 0 ? -1 : fcntl(low, F_DUPFD, 3);
}

int main(int argc, char **argv) {
    char *path = object_path();
    int fd = open_object(path);
    if (fd < 0)
        return 127;
    /* By its descriptor: in LD_PRELOAD, a path ends at a space or a colon. */
    char *object = xasprintf("/proc/self/fd/%d", fd);
    if (access(object, F_OK) < 0)
        object = path;
    if (strpbrk(object, " :") != NULL) {
        fprintf(stderr, "pycompile-host: a path with a space or a colon needs /proc, which is not mounted: %s\n", path);
        return 127;
    }
    char *number = xasprintf("%d", fd);
    if (setenv("LD_PRELOAD", object, 1) == 0 && setenv(AS_PROGRAM_VARIABLE, number, 1) == 0)
        execv(HOST_PYTHON_EXECUTABLE, argv);
    fprintf(stderr, "pycompile-host: cannot run %s: %s\n", HOST_PYTHON_EXECUTABLE, strerror(errno));
    return 127;
}
