/* See sys_path.h. */
#include "client/compileall/sys_path.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Prints the version, then each folder, with a NUL behind each. What -c puts in front is the current folder, which -m
 * puts there as a path. */
static const char program[] = "import os, sys\n"
                              "path = [os.getcwd() if p == '' else p for p in sys.path]\n"
                              "out = ['%d.%d' % sys.version_info[:2], *path, '']\n"
                              "sys.stdout.buffer.write(os.fsencode('\\0'.join(out)))\n";

/* Runs the interpreter. Returns whether it ended well. */
static bool run(const char *interpreter, struct buffer *out) {
    int ends[2];
    pid_t pid;
    int status = -1;
    if (pipe(ends) < 0)
        return false;
    char *const argv[] = {(char *)interpreter, (char *)"-c", (char *)program, NULL};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&files, ends[0]);
    posix_spawn_file_actions_addclose(&files, ends[1]);
    int error = posix_spawnp(&pid, interpreter, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    for (ssize_t len = error == 0; len > 0;) {
        len = read(ends[0], buffer_reserve(out, 4096), 4096);
        out->len += len > 0 ? (size_t)len : 0;
    }
    close(ends[0]);
    return error == 0 && waitpid(pid, &status, 0) == pid && status == 0 && out->len > 0 &&
           out->data[out->len - 1] == '\0';
}

static bool try(const struct python_info *info, char *interpreter, struct buffer *folders) {
    struct buffer out = {0};
    bool fine = interpreter != NULL && run(interpreter, &out) && strcmp(out.data, info->python) == 0;
    if (fine) {
        size_t head = strlen(out.data) + 1;
        buffer_append(folders, out.data + head, out.len - head);
    }
    buffer_deinit(&out);
    free(interpreter);
    return fine;
}

int sys_path_read(const struct python_info *info, struct buffer *folders, char **why) {
    const char *environment = getenv("VIRTUAL_ENV");
    char *own = environment && *environment ? xasprintf("%s/bin/python", environment) : NULL;
    char *built = info->interpreter ? xstrdup(info->interpreter) : NULL;
    char *name = xasprintf("python%s", info->python);
    if (try(info, own, folders)) {
        free(built);
        free(name);
        return 0;
    }
    if (try(info, built, folders)) {
        free(name);
        return 0;
    }
    if (try(info, name, folders))
        return 0;
    *why = xasprintf("no interpreter of Python %s is found, whose sys.path is to be compiled", info->python);
    return -1;
}
