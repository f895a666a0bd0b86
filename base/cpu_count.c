/* sched_getaffinity(2), and the files of cgroup(7) at the place that /proc/self/cgroup and /proc/self/mountinfo give.
 */
#include "base/cpu_count.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/io.h"

/* The most bytes of a file that are read. A machine may have thousands of mounts. */
#define TABLE_MAX ((size_t)4 << 20)

/* The fields of a line of mountinfo that are used: proc(5) counts from 1. */
enum { MOUNT_ROOT = 3, MOUNT_POINT = 4, MOUNT_FIELDS = 5 };

/* The control group of this process in one hierarchy. */
struct group {
    const char *root; /* see cpu_count_quota() */
    bool unified;     /* version 2 */
    char *path;       /* from the hierarchy's own root, or NULL: the process is in none */
};

static char *read_table(const char *root, const char *path) {
    struct buffer text = {0};
    char *whole = xasprintf("%s%s", root, path);
    (void)io_read_file(AT_FDCWD, whole, O_NOCTTY, TABLE_MAX, &text); /* what is there of it */
    free(whole);
    return buffer_string(&text);
}

/* Whether a list like "cpu,cpuacct" has the word. */
static bool list_has(const char *list, size_t len, const char *word) {
    size_t word_len = strlen(word);
    const char *end = list + len;
    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *stop = comma ? comma : end;
        if ((size_t)(stop - list) == word_len && memcmp(list, word, word_len) == 0)
            return true;
        list = stop + 1;
    }
    return false;
}

/* A line of /proc/self/cgroup: number:controllers:path. Returns the path, or NULL: another hierarchy. */
static const char *group_path(const char *line, bool unified) {
    const char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;
    if (second == NULL)
        return NULL;
    size_t len = (size_t)(second - first - 1);
    bool right = unified ? len == 0 && strncmp(line, "0:", 2) == 0 : list_has(first + 1, len, "cpu");
    return right ? second + 1 : NULL;
}

/* Calls visit() for each line. */
static void each_line(char *text, void (*visit)(char *line, void *context), void *context) {
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        visit(line, context);
}

static void take_group(char *line, void *context) {
    struct group *group = context;
    const char *path = group_path(line, group->unified);
    if (path != NULL && group->path == NULL)
        group->path = xstrdup(path);
}

/* Replaces the escapes of mountinfo in place: backslash and three octal digits. */
static void unescape(char *text) {
    char *to = text;
    for (const char *at = text; *at != '\0'; to++) {
        bool escape = at[0] == '\\' && strspn(at + 1, "01234567") >= 3;
        *to = *at;
        if (escape)
            *to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
        at += escape ? 4 : 1;
    }
    *to = '\0';
}

/* The part of the group's path below the root of a mount; NULL: the mount does not show the group. A root with ".." is
 * a parent of the namespace's groups: where below it they are cannot be seen. */
static const char *below(const char *path, const char *mount_root) {
    size_t len = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);
    if (strncmp(mount_root, "/..", 3) == 0)
        return "";
    if (strncmp(path, mount_root, len) != 0 || (path[len] != '/' && path[len] != '\0') || strncmp(path, "/..", 3) == 0)
        return NULL;
    return strcmp(path + len, "/") == 0 ? "" : path + len;
}

/* Splits a line of mountinfo. Whether it mounts the group's hierarchy. */
static bool split_mount(char *line, const struct group *group, char *fields[MOUNT_FIELDS]) {
    char *rest = line, *after = strstr(line, " - ");
    if (after == NULL)
        return false;
    *after = '\0';
    after += 3;
    char *type = strsep(&after, " "), *source = strsep(&after, " ");
    for (int i = 0; i < MOUNT_FIELDS; i++)
        if ((fields[i] = strsep(&rest, " ")) == NULL)
            return false;
    unescape(fields[MOUNT_ROOT]);
    unescape(fields[MOUNT_POINT]);
    if (group->unified)
        return strcmp(type, "cgroup2") == 0;
    return strcmp(type, "cgroup") == 0 && source != NULL && after != NULL && list_has(after, strlen(after), "cpu");
}

/* Reads the number at the beginning of a file of a group; `text` gets the rest of the line. Returns whether there is a
 * number. */
static bool read_limit(const char *folder, const char *name, int64_t *number, char *text, size_t size) {
    char line[64], *end;
    char *path = xasprintf("%s/%s", folder, name);
    int len = (int)io_read_text(AT_FDCWD, path, O_NOCTTY, line, sizeof line);
    free(path);
    if (len <= 0)
        return false;
    *number = strtoll(line, &end, 10);
    (void)snprintf(text, size, "%s", end);
    return end != line;
}

/* The processors that a group's own quota is worth; 0: it has none. */
static unsigned quota_of(const char *folder, bool unified) {
    int64_t quota, period;
    char rest[64], nothing[64], *end;
    if (!read_limit(folder, unified ? "cpu.max" : "cpu.cfs_quota_us", &quota, rest, sizeof rest) || quota <= 0)
        return 0; /* "max", or -1 */
    if (unified)
        period = strtoll(rest, &end, 10);
    else if (!read_limit(folder, "cpu.cfs_period_us", &period, nothing, sizeof nothing))
        return 0;
    if (period <= 0)
        return 0;
    int64_t cpus = quota / period + (quota % period != 0);
    return cpus < INT_MAX ? (unsigned)cpus : INT_MAX;
}

/* The less of two quotas, of which 0 is none. */
static unsigned lesser(unsigned one, unsigned other) {
    return one == 0 || (other != 0 && other < one) ? other : one;
}

/* A group as the mount shows it, and what was found so far. */
struct search {
    struct group group;
    unsigned quota;
};

/* Looks at the group and at its parents, up to the mount point. */
static void search_mount(char *line, void *context) {
    struct search *search = context;
    char *fields[MOUNT_FIELDS];
    if (search->group.path == NULL || !split_mount(line, &search->group, fields))
        return;
    const char *path = below(search->group.path, fields[MOUNT_ROOT]);
    if (path == NULL)
        return;
    char *folder = xasprintf("%s%s%s", search->group.root, fields[MOUNT_POINT], path);
    size_t top = strlen(folder) - strlen(path);
    for (char *slash = folder; slash != NULL;) {
        search->quota = lesser(search->quota, quota_of(folder, search->group.unified));
        slash = strrchr(folder + top, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    free(folder);
}

static unsigned quota_in(const char *root, bool unified) {
    struct search search = {.group = {.root = root, .unified = unified}};
    char *groups = read_table(root, "/proc/self/cgroup"), *mounts = read_table(root, "/proc/self/mountinfo");
    each_line(groups, take_group, &search.group);
    each_line(mounts, search_mount, &search);
    free(search.group.path);
    free(groups);
    free(mounts);
    return search.quota;
}

unsigned cpu_count_quota(const char *root) {
    return lesser(quota_in(root, true), quota_in(root, false));
}

/* The processors of the affinity mask. A machine may have more than a cpu_set_t has room for. */
static unsigned affinity(void) {
    for (int room = CPU_SETSIZE; room <= CPU_SETSIZE << 8; room *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)room);
        size_t size = CPU_ALLOC_SIZE((size_t)room);
        if (set == NULL)
            break;
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
    }
    return 1;
}

struct cpu_count cpu_count(void) {
    unsigned cpus = affinity(), quota = cpu_count_quota("");
    bool by_quota = quota > 0 && quota < cpus;
    return (struct cpu_count){.cpus = by_quota ? quota : cpus, .by_quota = by_quota};
}
