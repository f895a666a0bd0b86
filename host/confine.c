/* Each limit is set by a function of its own, which says why. */
#include "host/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* How readily the kernel ends a host when memory runs out; the maximum is 1000. */
#define OOM_SCORE "500"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

/* A crash of a large host would dump a large core. A limit of 1 byte, unlike 0, also keeps the kernel from piping the
 * core to a program (core(5)); raising the limit from 0 may be forbidden. */
static void forbid_cores(void) {
    struct rlimit limit = {1, 1}, none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &limit) < 0)
        setrlimit(RLIMIT_CORE, &none);
}

/* If memory runs out, the kernel shall end a host, which the server replaces, and not the server. */
static void offer_to_oom_killer(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0) {
        /* The service manager has set a higher value, which may not be lowered: just as good. */
    }
    close(fd);
}

/* Beyond the limit there is a MemoryError, anywhere in the process; the server tries such a job again alone. The limit
 * is on allocated memory, not on addresses, so mapped files and guard pages do not count. */
static void limit_memory(size_t bytes) {
#if !SANITIZED /* a sanitizer reserves terabytes */
    struct rlimit limit = {bytes, bytes};
    if (bytes > 0 && setrlimit(RLIMIT_DATA, &limit) < 0)
        perror("pycompile-host: cannot limit the memory");
#else
#endif
}

void confine(size_t memory_limit) {
    forbid_cores();
    offer_to_oom_killer();
    limit_memory(memory_limit);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    signal(SIGXFSZ, SIG_IGN); /* a write over the limit fails, as it does in any Python */
    umask(0);
    char folder[] = "/tmp/pycompile-host-XXXXXX";
    if (mkdtemp(folder) != NULL && (chdir(folder) < 0 || rmdir(folder) < 0))
        fprintf(stderr, "pycompile-host: %s: %s\n", folder, strerror(errno));
}
