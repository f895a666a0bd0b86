/* One table names each option, its kind and its member. */
#include "host/host_options.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cache/remote/remote.h"

/* A host that is linked with a libpython has its interpreter compiled in. */
#ifndef HOST_PYTHON_EXECUTABLE
#define HOST_PYTHON_EXECUTABLE ""
#endif

enum option_kind {
    OPTION_FLAG,   /* bool; takes no value */
    OPTION_TEXT,   /* const char * */
    OPTION_FD,     /* int */
    OPTION_FDS,    /* two ints: FIRST-LAST */
    OPTION_NUMBER, /* unsigned */
    OPTION_OCTAL,  /* unsigned */
    OPTION_SIZE,   /* unsigned long */
};

static const struct {
    const char *name;
    enum option_kind kind;
    size_t offset;
} host_option_table[] = {
    {"control", OPTION_FD, offsetof(struct host_options, control_fd)},
    {"workers", OPTION_FDS, offsetof(struct host_options, first_fd)},
    {"build", OPTION_TEXT, offsetof(struct host_options, build)},
    {"umask", OPTION_OCTAL, offsetof(struct host_options, mask)},
    {"memory-limit", OPTION_NUMBER, offsetof(struct host_options, memory_limit)},
    {"big-source", OPTION_NUMBER, offsetof(struct host_options, big_source)},
    {"pristine", OPTION_FLAG, offsetof(struct host_options, pristine)},
    {"solo", OPTION_FLAG, offsetof(struct host_options, solo)},
    {"cache", OPTION_TEXT, offsetof(struct host_options, cache)},
    {"cache-limit", OPTION_SIZE, offsetof(struct host_options, cache_limit)},
    {"cache-key-release", OPTION_FLAG, offsetof(struct host_options, shares_release)},
    {"remote-state", OPTION_FD, offsetof(struct host_options, remote_state_fd)},
    {"remote-timeout", OPTION_NUMBER, offsetof(struct host_options, remote_timeout)},
    {"remote-read-only", OPTION_FLAG, offsetof(struct host_options, remote_read_only)},
    {"interpreter", OPTION_TEXT, offsetof(struct host_options, interpreter)},
    {"trial", OPTION_FLAG, offsetof(struct host_options, trial)},
    {"files", OPTION_TEXT, offsetof(struct host_options, files)},
};

/* Reads digits of `base` up to the character `end`. Returns what stands behind that number, or NULL where `text` does
 * not begin with a number of at most `max` that ends there. */
static const char *read_digits(const char *text, int base, char end, unsigned long max, unsigned long *number) {
    char *after;
    if (*text < '0' || *text > '9') /* strtoul() would take blanks and a sign */
        return NULL;
    errno = 0;
    *number = strtoul(text, &after, base);
    return errno == 0 && *after == end && *number <= max ? after : NULL;
}

static bool set_fds(const char *value, int *fds) {
    unsigned long first, last;
    const char *dash = read_digits(value, 10, '-', INT_MAX, &first);
    if (dash == NULL || read_digits(dash + 1, 10, '\0', INT_MAX, &last) == NULL)
        return false;
    fds[0] = (int)first;
    fds[1] = (int)last;
    return true;
}

/* Whether the option was given as its kind has it; `value` is NULL where it has none. */
static bool set_host_option(enum option_kind kind, const char *value, void *member) {
    unsigned long number = 0;
    if (kind == OPTION_FLAG) {
        *(bool *)member = true;
        return value == NULL;
    }
    if (value == NULL)
        return false;
    if (kind == OPTION_TEXT) {
        *(const char **)member = value;
        return true;
    }
    if (kind == OPTION_FDS)
        return set_fds(value, member);
    unsigned long max = kind == OPTION_SIZE ? ULONG_MAX : kind == OPTION_FD ? INT_MAX : UINT_MAX;
    if (read_digits(value, kind == OPTION_OCTAL ? 8 : 10, '\0', max, &number) == NULL)
        return false;
    if (kind == OPTION_SIZE)
        *(unsigned long *)member = number;
    else if (kind == OPTION_FD)
        *(int *)member = (int)number;
    else
        *(unsigned *)member = (unsigned)number;
    return true;
}

/* Reads one argument, --NAME or --NAME=VALUE. */
static bool read_host_option(const char *argument, struct host_options *options) {
    if (strncmp(argument, "--", 2) != 0)
        return false;
    const char *name = argument + 2;
    size_t len = strcspn(name, "=");
    for (size_t i = 0; i < sizeof host_option_table / sizeof *host_option_table; i++) {
        const char *known = host_option_table[i].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return set_host_option(host_option_table[i].kind, name[len] == '=' ? name + len + 1 : NULL,
                                   (char *)options + host_option_table[i].offset);
    }
    return false;
}

bool host_options_parse(int argc, char **argv, struct host_options *options) {
    *options = (struct host_options){.control_fd = -1,
                                     .first_fd = -1,
                                     .last_fd = -2,
                                     .mask = 022,
                                     .remote_state_fd = -1,
                                     .remote_timeout = REMOTE_TIMEOUT_MS_DEFAULT,
                                     .interpreter = HOST_PYTHON_EXECUTABLE,
                                     .runs_interpreter = HOST_PYTHON_EXECUTABLE[0] == '\0'};
    for (int i = 1; i < argc; i++)
        if (!read_host_option(argv[i], options))
            return false;
    return options->control_fd >= 0 && options->first_fd >= 0 && options->last_fd >= options->first_fd &&
           options->interpreter[0] != '\0';
}
