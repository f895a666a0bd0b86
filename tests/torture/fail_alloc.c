/* A preloaded object that has one allocation fail: the n-th of the process and its children, or the n-th and all after
 * it. tests/torture/run sets it up, and says there what a program may do then.
 *
 * Only allocations that the program itself or one of the libraries below asks for are counted. What the C library and
 * cmocka allocate for themselves is not the program's to handle. Functions of the C library that return memory to the
 * program count as one allocation each.
 *
 *   PYCOMPILED_FAIL_AT=N      the allocation to fail, from 1 on; 0: none
 *   PYCOMPILED_FAIL_ON=1      all from there on fail
 *   PYCOMPILED_FAIL_LIBRARIES=1  only those of the libraries are counted, not the program's own
 *   PYCOMPILED_FAIL_LOG=FILE  gets a line for the first failure, "failed N FUNCTION in OBJECT"; one for each folder
 *                             that mkdtemp() makes, "made PATH"; and one when the process ends, "counted N"
 *
 * Programs that the process executes are left alone. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RANGES_MAX 32

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static const char *const libraries[] = {"libuv", "libhiredis", "libsodium", "libcjson"};

/* Executable segments of the program and of those libraries. */
static struct range {
    uintptr_t from, to;
    const char *name;
} ranges[RANGES_MAX];
static unsigned range_count;

static atomic_ulong counter;
static unsigned long fail_at;
static bool fail_on, ready;
static int log_fd;
static pid_t main_process;

static bool is_watched(const char *path) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (strncmp(name, libraries[i], strlen(libraries[i])) == 0)
            return true;
    return *path == '\0' && getenv("PYCOMPILED_FAIL_LIBRARIES") == NULL; /* the program */
}

static int add_object(struct dl_phdr_info *info, size_t size, void *data) {
    if (!is_watched(info->dlpi_name))
        return 0;
    const char *slash = strrchr(info->dlpi_name, '/');
    for (unsigned i = 0; i < info->dlpi_phnum && range_count < RANGES_MAX; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X))
            ranges[range_count++] = (struct range){from, from + segment->p_memsz, slash ? slash + 1 : "the program"};
    }
    return 0;
}

__attribute__((format(printf, 1, 2))) static void write_line(const char *format, ...) {
    char line[300];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (write(log_fd, line, (size_t)len) != len)
        _exit(99);
}

/* Whether the allocation that `caller` asks for fails. */
static bool fails(const void *caller, const char *function) {
    if (!ready)
        return false;
    for (unsigned i = 0; i < range_count; i++) {
        if ((uintptr_t)caller < ranges[i].from || (uintptr_t)caller >= ranges[i].to)
            continue;
        unsigned long number = atomic_fetch_add(&counter, 1) + 1;
        if (fail_at == 0 || (fail_on ? number < fail_at : number != fail_at))
            return false;
        if (number == fail_at)
            write_line("failed %lu %s in %s\n", number, function, ranges[i].name);
        errno = ENOMEM;
        return true;
    }
    return false;
}
#define FAILS() fails(__builtin_return_address(0), __func__)

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("PYCOMPILED_FAIL_AT");
    const char *path = getenv("PYCOMPILED_FAIL_LOG");
    if (at == NULL || path == NULL || getenv("PYCOMPILED_FAIL_TAKEN") != NULL)
        return;
    setenv("PYCOMPILED_FAIL_TAKEN", "1", 1);
    fail_at = strtoul(at, NULL, 10);
    /* Opened now, as the program may come to have no descriptor left; and out of the way of its numbers. */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 500);
    close(fd);
    fail_on = getenv("PYCOMPILED_FAIL_ON") != NULL;
    main_process = getpid();
    dl_iterate_phdr(add_object, NULL);
    ready = true;
}

__attribute__((destructor)) static void end(void) {
    if (ready && getpid() == main_process)
        write_line("counted %lu\n", atomic_load(&counter));
}

/* The function of the C library that is called in its stead. */
static void *next(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        abort();
    return function;
}
#define REAL(function)                                                                                                 \
    __typeof__(function) *real;                                                                                        \
    memcpy(&real, &(void *){next(#function)}, sizeof real)

char *mkdtemp(char *template) {
    REAL(mkdtemp);
    char *folder = real(template);
    if (ready && folder != NULL)
        write_line("made %s\n", folder);
    return folder;
}

void *malloc(size_t size) {
    return FAILS() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return FAILS() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return FAILS() ? NULL : __libc_realloc(old, size);
}

char *strndup(const char *text, size_t max) {
    size_t len = strnlen(text, max);
    char *copy = FAILS() ? NULL : __libc_malloc(len + 1);
    if (copy == NULL)
        return NULL;
    copy[len] = '\0';
    return memcpy(copy, text, len);
}

char *strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = FAILS() ? NULL : __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

int vasprintf(char **out, const char *format, va_list args) {
    REAL(vasprintf);
    return FAILS() ? -1 : real(out, format, args);
}

int asprintf(char **out, const char *format, ...) {
    if (FAILS())
        return -1;
    REAL(vasprintf);
    va_list args;
    va_start(args, format);
    int len = real(out, format, args);
    va_end(args);
    return len;
}

DIR *opendir(const char *path) {
    REAL(opendir);
    return FAILS() ? NULL : real(path);
}

DIR *fdopendir(int fd) {
    REAL(fdopendir);
    return FAILS() ? NULL : real(fd);
}

char *realpath(const char *path, char *resolved) {
    REAL(realpath);
    return FAILS() ? NULL : real(path, resolved);
}

char *getcwd(char *buffer, size_t size) {
    REAL(getcwd);
    return FAILS() ? NULL : real(buffer, size);
}

void *tsearch(const void *key, void **root, int (*compare)(const void *, const void *)) {
    REAL(tsearch);
    return FAILS() ? NULL : real(key, root, compare);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    REAL(pthread_create);
    return FAILS() ? EAGAIN : real(thread, attributes, start, argument);
}
