/* getrlimit(2), getpriority(2), chdir(2) and stat(2). */
#include "daemon/process/surroundings.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

static const struct {
    __rlimit_resource_t resource;
    const char *name;
} raised[] = {
    {RLIMIT_FSIZE, "file_size"}, {RLIMIT_CPU, "cpu_s"},       {RLIMIT_AS, "memory"},
    {RLIMIT_DATA, "data"},       {RLIMIT_NPROC, "processes"}, {RLIMIT_NOFILE, "descriptors"},
};
#define RAISED_COUNT (sizeof raised / sizeof *raised)

void surroundings_raise(bool nice) {
    struct rlimit limit;
    for (size_t i = 0; i < RAISED_COUNT; i++) {
        if (getrlimit(raised[i].resource, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
            continue;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(raised[i].resource, &limit) < 0)
            log_line("cannot raise the limit %s: %s", raised[i].name, strerror(errno));
    }
    if (nice && surroundings_nice() > 0)
        (void)setpriority(PRIO_PROCESS, 0, 0); /* permitted to few: `status` reports the value */
}

void surroundings_leave_folder(void) {
    if (chdir("/") < 0)
        log_line("cannot leave the working directory: %s", strerror(errno));
}

const struct surroundings_limit *surroundings_limits(void) {
    static struct surroundings_limit limits[RAISED_COUNT + 1];
    for (size_t i = 0; i < RAISED_COUNT; i++) {
        struct rlimit limit;
        bool known = getrlimit(raised[i].resource, &limit) == 0;
        limits[i] = (struct surroundings_limit){
            .name = raised[i].name,
            .value = known ? limit.rlim_max : 0,
            .limited = known && limit.rlim_max != RLIM_INFINITY,
        };
    }
    return limits;
}

int surroundings_nice(void) {
    errno = 0;
    int nice = getpriority(PRIO_PROCESS, 0);
    return errno == 0 ? nice : 0;
}

bool surroundings_has_lost_program(void) {
    struct stat st;
    return stat("/proc/self/exe", &st) == 0 && st.st_nlink == 0;
}
