/* getrlimit(2), getpriority(2), chdir(2) and stat(2). */
#include "daemon/process/surroundings.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process_limits.h"
#include "daemon/log.h"

static int surroundings_nice(void) {
    errno = 0;
    int nice = getpriority(PRIO_PROCESS, 0);
    return errno == 0 ? nice : 0;
}

void surroundings_raise(bool nice) {
    struct rlimit limit;
    for (unsigned i = 0; i < PROCESS_LIMITS_COUNT; i++) {
        __rlimit_resource_t resource = (__rlimit_resource_t)process_limits_resource(i);
        if (getrlimit(resource, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
            continue;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(resource, &limit) < 0)
            log_line("cannot raise the limit %s: %s", process_limits_name(i), strerror(errno));
    }
    if (nice && surroundings_nice() > 0)
        (void)setpriority(PRIO_PROCESS, 0, 0); /* permitted to few: `status` reports the value */
}

void surroundings_leave_folder(void) {
    if (chdir("/") < 0)
        log_line("cannot leave the working directory: %s", strerror(errno));
}

bool surroundings_has_lost_program(void) {
    struct stat st;
    return stat("/proc/self/exe", &st) == 0 && st.st_nlink == 0;
}
