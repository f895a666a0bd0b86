/* The report goes through a pipe. */
#include "daemon/process/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/paths.h"

#define LOG_MAX (1 << 20)
/* Longest word of a child to its starter. */
#define WORD_MAX (64 << 10)

static int report_fd = -1;

/* The parent's part. The report is '+' for ready, or a message; end of file without a report means that the child died.
 */
static _Noreturn void background_wait(int fd) {
    struct buffer word = {0};
    (void)io_read_all(fd, WORD_MAX, &word);
    if (word.len > 0 && word.data[0] == '+')
        _exit(0);
    fprintf(stderr, "pycompiled: %s\n", word.len ? buffer_string(&word) : "the daemon died while it started");
    _exit(1);
}

/* Opens the log; a log over LOG_MAX is renamed first. A failure ends the process: a log that is a symbolic link may be
 * a trap, and a daemon without a log cannot be diagnosed. */
static int background_open_log(const char *socket_path) {
    char *path = paths_log(socket_path);
    struct stat st;
    if (lstat(path, &st) == 0 && st.st_size > LOG_MAX) {
        char *old = xasprintf("%s.old", path);
        rename(path, old);
        free(old);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        char *why = xasprintf("cannot open the log %s: %s", path, strerror(errno));
        background_report(why);
        _exit(1);
    }
    free(path);
    return fd;
}

void background_begin(const char *socket_path) {
    int word[2];
    if (pipe2(word, O_CLOEXEC) < 0) {
        perror("pycompiled: pipe");
        exit(1);
    }
    pid_t pid = fork();
    if (pid < 0) {
        perror("pycompiled: fork");
        exit(1);
    }
    if (pid > 0) {
        close(word[1]);
        background_wait(word[0]);
    }
    close(word[0]);
    report_fd = word[1];
    setsid();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = background_open_log(socket_path);
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close(null);
    close(log);
}

void background_report(const char *why) {
    if (report_fd < 0)
        return;
    const char *word = why ? why : "+";
    (void)io_write_all(report_fd, word, strlen(word)); /* the starter may be gone */
    close(report_fd);
    report_fd = -1;
}
