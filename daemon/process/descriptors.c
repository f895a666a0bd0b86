/* close_range(2), or /proc/self/fd where the kernel does not have it. */
#include "daemon/process/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Closes what /proc lists, for kernels older than 5.9. */
static void descriptors_close_listed(int first) {
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int fd = atoi(entry->d_name); /* "." and "..": 0 */
        if (fd >= first && fd != dirfd(dir))
            close(fd);
    }
    closedir(dir);
}

static void descriptors_close_from(int first) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
#endif
    descriptors_close_listed(first);
}

void descriptors_clean(int first) {
    int fd;
    do
        fd = open("/dev/null", O_RDWR); /* the lowest that is free */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    descriptors_close_from(first);
}
