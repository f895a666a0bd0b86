/* pycompile-host-X.Y where the host runs inside the interpreter's executable (host/as_program.h): runs that executable
 * with the host's object preloaded. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "host/as_program.h"

/* Above all descriptors that the server passes. */
#define OBJECT_FD_MIN 200

/* Opens the object beside this program. */
static int open_object(void) {
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - sizeof ".so");
    if (len < 0)
        return -1;
    memcpy(path + len, ".so", sizeof ".so");
    int low = open(path, O_RDONLY | O_CLOEXEC);
    if (low < 0)
        fprintf(stderr, "pycompile-host: cannot open %s: %s\n", path, strerror(errno));
    int fd = low < 0 ? -1 : fcntl(low, F_DUPFD, OBJECT_FD_MIN);
    return fd >= 0 ? fd : low < 0 ? -1 : fcntl(low, F_DUPFD, 3);
}

int main(int argc, char **argv) {
    int fd = open_object();
    if (fd < 0)
        return 127;
    /* By its descriptor: in LD_PRELOAD, a path ends at a space or a colon. */
    char *object = xasprintf("/proc/self/fd/%d", fd), *number = xasprintf("%d", fd);
    if (setenv("LD_PRELOAD", object, 1) == 0 && setenv(AS_PROGRAM_VARIABLE, number, 1) == 0)
        execv(HOST_PYTHON_EXECUTABLE, argv);
    fprintf(stderr, "pycompile-host: cannot run %s: %s\n", HOST_PYTHON_EXECUTABLE, strerror(errno));
    return 127;
}
