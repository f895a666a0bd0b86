/* Runs the possible interpreters, one after the other, until one answers for the right version. */
#include "client/compileall/sys_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

/* Bytes of a sys.path, at most. */
#define OUTPUT_MAX ((size_t)16 << 20)

/* Prints the version, then each folder, each followed by a NUL. -c puts the current folder in front; -m would put it
 * there as a path. */
static const char program[] = "import os, sys\n"
                              "path = [os.getcwd() if p == '' else p for p in sys.path]\n"
                              "out = ['%d.%d' % sys.version_info[:2], *path, '']\n"
                              "sys.stdout.buffer.write(os.fsencode('\\0'.join(out)))\n";

/* Asks one interpreter, and appends its folders. Returns 0, or a negative errno value: -ENOENT if it does not run or
 * has another version. */
static int sys_path_try(const struct sys_path_question *question, const char *interpreter, struct buffer *folders) {
    const char *const argv[] = {interpreter, "-c", program, NULL};
    struct buffer out = {0};
    int status = io_run(&(struct io_program){.path = interpreter,
                                             .argv = argv,
                                             .search = true,
                                             .read_fd = STDOUT_FILENO,
                                             .limit = OUTPUT_MAX,
                                             .deadline = question->deadline,
                                             .wake_fd = question->wake_fd,
                                             .apart = true},
                        &out);
    const char *xy = question->info->xy;
    bool fine =
        status == 0 && out.len > 0 && out.data[out.len - 1] == '\0' && (xy == NULL || strcmp(out.data, xy) == 0);
    if (fine) {
        size_t head = strlen(out.data) + 1;
        buffer_append(folders, out.data + head, out.len - head);
    }
    buffer_deinit(&out);
    return fine ? 0 : status == -EINTR || status == -ETIMEDOUT ? status : -ENOENT;
}

int sys_path_read(const struct sys_path_question *question, struct buffer *folders, char **why) {
    const struct python_info *info = question->info;
    const char *environment = getenv("VIRTUAL_ENV");
    char *names[] = {
        environment && *environment ? xasprintf("%s/bin/python", environment) : NULL,
        info->interpreter ? xstrdup(info->interpreter) : NULL,
        info->xy ? xasprintf("python%s", info->xy) : NULL,
    };
    int result = -ENOENT;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i] != NULL && result == -ENOENT)
            result = sys_path_try(question, names[i], folders);
        if (result == -ETIMEDOUT && *why == NULL)
            *why = xasprintf("%s does not answer, whose sys.path is to be compiled", names[i]);
        free(names[i]);
    }
    if (result == -ENOENT)
        *why = xasprintf("no interpreter of Python %s is found, whose sys.path is to be compiled", info->python);
    return result;
}
