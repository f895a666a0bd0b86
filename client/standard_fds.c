/* /dev/null, opened for the other direction. */
#include "client/standard_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void standard_fds_occupy(void) {
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}
