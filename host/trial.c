/* Success is remembered as a file whose name is a hash of its contents; one that is damaged counts as none. */
#include "host/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/build_id.h"
#include "base/fnv.h"
#include "base/io.h"
#include "host/python_files.h"
#include "host/python_release.h"

#define FACTS_MAX 16384

/* Above all descriptors of a host, where the kernel cannot close them at once. */
#define DESCRIPTORS_MAX 1024
#define PYC_MAX ((size_t)1 << 20)

/* Functions, classes, comprehensions, exceptions, names that occur often and names that do not, constants of each type.
 * It has no set of constants: before 3.11 their order depends on the seed of hashes. */
static const char probe[] =
    "\"\"\"A probe.\"\"\"\n"
    "import os, sys\n"
    "from collections import OrderedDict as ordered\n"
    "CONSTANTS = (None, True, ..., 0, -1, 1 << 70, 2.5, 1e300, 3j, b'bytes', 'text', 'caf\\u00e9', (1, (2, 'text')))\n"
    "def outer(first, *args, key='text', **rest):\n"
    "    total = 0\n"
    "    def inner(value=first):\n"
    "        nonlocal total\n"
    "        total += value\n"
    "        return lambda: (total, f'{value!r:>10} of {key}')\n"
    "    for index, item in enumerate(args):\n"
    "        try:\n"
    "            yield inner(item)()\n"
    "        except (KeyError, ValueError) as error:\n"
    "            raise RuntimeError(str(error)) from error\n"
    "        finally:\n"
    "            rest[index] = [x for x in args if x is not None]\n"
    "class Probe(ordered):\n"
    "    attribute: int = 1\n"
    "    async def method(self):\n"
    "        async with self as entered:\n"
    "            return {key: await value for key, value in entered.items()}\n"
    "    @property\n"
    "    def path(self):\n"
    "        return os.path.join(sys.prefix, *self.keys(), 'probe')\n"
    "if __name__ == '__main__':\n"
    "    print(list(outer(1, 2, 3)), Probe().path)\n";

static char *trial_facts(void) {
    struct buffer facts = {0};
    buffer_printf(&facts, "%s\n%s\n", build_id, python_release());
    python_files_describe(&facts);
    return buffer_string(&facts);
}

/* The file belongs to the user, as the folder does, which the cache checks. */
static bool trial_is_remembered(const struct trial *trial) {
    struct buffer text = {0};
    struct stat st;
    bool same = trial->record != NULL && lstat(trial->record, &st) == 0 && st.st_uid == geteuid() &&
                io_read_file(AT_FDCWD, trial->record, O_NOFOLLOW, FACTS_MAX, &text) == 0 &&
                strcmp(buffer_string(&text), trial->facts) == 0;
    buffer_deinit(&text);
    return same;
}

/* Failing to remember costs one more trial. */
static void trial_remember(const struct trial *trial) {
    if (trial->record == NULL)
        return;
    (void)io_replace_file(AT_FDCWD, trial->record, trial->facts, strlen(trial->facts));
}

static void trial_free(struct trial *trial) {
    free(trial->folder);
    free(trial->probe);
    free(trial->ours);
    free(trial->theirs);
    free(trial->record);
    free(trial->facts);
    free(trial);
}

static int trial_write_probe(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int result = io_write_all(fd, probe, sizeof probe - 1);
    close(fd);
    return result;
}

/* Makes the folder and the probe. Without one, trial_judge() finds no file. */
static void trial_prepare(struct trial *trial) {
    const char *temporary = getenv("TMPDIR");
    trial->folder = xasprintf("%s/pycompile-trial-XXXXXX", temporary && *temporary == '/' ? temporary : "/tmp");
    if (mkdtemp(trial->folder) == NULL)
        trial->folder[0] = '\0';
    trial->probe = xasprintf("%s/probe.py", trial->folder);
    trial->ours = xasprintf("%s/probe.pyc", trial->folder);
    trial->theirs = xasprintf("%s/__pycache__/probe.%s.pyc", trial->folder, python_cache_tag());
    if (trial->folder[0] != '\0')
        (void)trial_write_probe(trial->probe);
}

/* The sockets of this host are not for another process. Kernels before 5.9 cannot close them at once. */
static void trial_close_descriptors(void) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)STDERR_FILENO + 1, ~0u, 0u) == 0)
        return;
#endif
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MAX; fd++)
        close(fd);
}

static void trial_remove_folder(const struct trial *trial) {
    unlink(trial->theirs);
    char *folder = xasprintf("%s/__pycache__", trial->folder);
    rmdir(folder);
    free(folder);
    unlink(trial->ours);
    unlink(trial->probe);
    rmdir(trial->folder);
}

/* The keeper's life. It is in a session of its own, since the server kills the whole group of a host, and outlives the
 * signals that end a service. */
static _Noreturn void trial_keep(const struct trial *trial, int end_fd) {
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    char byte;
    setsid();
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
    dup2(end_fd, STDIN_FILENO);
    trial_close_descriptors();
    while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
        continue;
    trial_remove_folder(trial);
    _exit(0);
}

/* Starts the process that removes the folder, so that it goes also where this one is killed. */
static void trial_start_keeper(struct trial *trial) {
    int ends[2];
    if (trial->folder[0] == '\0' || pipe2(ends, O_CLOEXEC) < 0)
        return;
    trial->keeper = fork();
    if (trial->keeper == 0)
        trial_keep(trial, ends[0]);
    close(ends[0]);
    trial->alive_fd = ends[1];
    if (trial->keeper < 0) {
        close(trial->alive_fd);
        trial->keeper = 0;
    }
}

/* What `python -m py_compile` does with a file, in half of its time: most of that goes to modules that parse its
 * command line and print its errors. */
static const char brief_script[] = "import sys\n"
                                   "sys.modules['traceback'] = sys\n"
                                   "import py_compile\n"
                                   "py_compile.compile(sys.argv[1], doraise=True)\n";

static pid_t trial_run(const char *const *argv) {
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child;
    trial_close_descriptors();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing may write to the folder after this process */
    if (getppid() != parent)
        _exit(127);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static pid_t trial_run_briefly(const struct trial *trial) {
    const char *const argv[] = {python_executable(), "-I", "-S", "-B", "-c", brief_script, trial->probe, NULL};
    return trial_run(argv);
}

static pid_t trial_run_py_compile(const struct trial *trial) {
    const char *const argv[] = {python_executable(), "-I", "-S", "-B", "-m", "py_compile", trial->probe, NULL};
    return trial_run(argv);
}

/* The status of waitpid(2), or -1. */
static int trial_wait(pid_t child) {
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

struct trial *trial_begin(const char *cache) {
    struct trial *trial = xcalloc(1, sizeof *trial);
    trial->facts = trial_facts();
    if (cache != NULL)
        trial->record = xasprintf("%s/trial-%016llx", cache,
                                  (unsigned long long)fnv_hash(trial->facts, trial->facts + strlen(trial->facts)));
    if (trial_is_remembered(trial)) {
        trial_free(trial);
        return NULL;
    }
    trial_prepare(trial);
    trial_start_keeper(trial);
    trial->child = trial_run_briefly(trial);
    return trial;
}

static bool trial_same_bytes(const struct trial *trial) {
    struct buffer ours = {0}, theirs = {0};
    bool same = io_read_file(AT_FDCWD, trial->ours, 0, PYC_MAX, &ours) == 0 &&
                io_read_file(AT_FDCWD, trial->theirs, 0, PYC_MAX, &theirs) == 0 && ours.len == theirs.len &&
                memcmp(ours.data, theirs.data, ours.len) == 0;
    buffer_deinit(&ours);
    buffer_deinit(&theirs);
    return same;
}

static void trial_clean_up(const struct trial *trial) {
    if (trial->keeper > 0) {
        close(trial->alive_fd);
        (void)trial_wait(trial->keeper);
    } else if (trial->folder[0] != '\0') {
        trial_remove_folder(trial);
    }
}

/* The bytes may depend on the modules that are imported, so that only the whole of py_compile can refuse. */
static char *trial_compare_in_full(const struct trial *trial) {
    int status = trial_wait(trial_run_py_compile(trial));
    if (status != 0)
        return xasprintf("its own py_compile fails (status %d)", WIFEXITED(status) ? WEXITSTATUS(status) : status);
    return trial_same_bytes(trial) ? NULL : xstrdup("a trial compile gave other bytes than its own py_compile");
}

char *trial_judge(struct trial *trial) {
    char *why = NULL;
    bool same = trial_wait(trial->child) == 0 && trial_same_bytes(trial);
    if (trial->folder[0] == '\0')
        why = xstrdup("no folder can be made for a trial compile (TMPDIR)");
    else if (!same)
        why = trial_compare_in_full(trial);
    if (why == NULL && !python_files_have_changed())
        trial_remember(trial);
    trial_clean_up(trial);
    return why;
}
