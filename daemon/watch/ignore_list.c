/* See ignore_list.h. */
#include "daemon/watch/ignore_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/watch/gitignore.h"

#define SIZE_MAX_READ (1u << 20)

static const char *const always[] = {"__pycache__", ".git", ".hg", ".svn", ".bzr", ".jj", "_darcs", "CVS"};

static void add(struct ignore_list *list, struct ignore_entry entry) {
    list->entries = xrealloc(list->entries, (list->count + 1) * sizeof *list->entries);
    list->entries[list->count++] = entry;
}

/* Returns an open regular file, or -1. */
static int open_rules(const char *folder) {
    struct stat st;
    char *path = xasprintf("%s/.gitignore", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    free(path);
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

void ignore_list_read(struct ignore_list *list, const char *folder) {
    int fd = open_rules(folder);
    if (fd < 0)
        return;
    struct buffer text = {0};
    ssize_t got;
    while (text.len < SIZE_MAX_READ && (got = read(fd, buffer_reserve(&text, 4096), 4096)) > 0)
        text.len += (size_t)got;
    close(fd);
    add(list, (struct ignore_entry){xstrdup(folder), gitignore_parse(text.data ? text.data : "", text.len)});
    buffer_deinit(&text);
}

static bool is_repository(const char *folder) {
    char *path = xasprintf("%s/.git", folder);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* The length of the top folder's path, 0 where there is none. */
static size_t repository_of(const char *folder) {
    char *path = xstrdup(folder);
    size_t len = 0;
    for (char *slash; len == 0 && *path != '\0'; *slash = '\0') {
        if (is_repository(path))
            len = strlen(path);
        slash = strrchr(path, '/');
        if (slash == NULL)
            break;
    }
    free(path);
    return len;
}

void ignore_list_read_above(struct ignore_list *list, const char *folder) {
    size_t top = repository_of(folder);
    for (const char *end = folder + top; top > 0 && *end == '/'; end += 1 + strcspn(end + 1, "/")) {
        char *above = xstrndup(folder, (size_t)(end - folder));
        ignore_list_read(list, above);
        free(above);
    }
}

void ignore_list_merge(struct ignore_list *list, struct ignore_list *more) {
    for (size_t i = 0; i < more->count; i++)
        add(list, more->entries[i]);
    free(more->entries);
    *more = (struct ignore_list){0};
}

void ignore_list_remove(struct ignore_list *list, const char *folder) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct ignore_entry entry = list->entries[i];
        if (!ignore_list_is_within(entry.folder, folder)) {
            list->entries[kept++] = entry;
            continue;
        }
        gitignore_free(entry.rules);
        free(entry.folder);
    }
    list->count = kept;
}

void ignore_list_deinit(struct ignore_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        gitignore_free(list->entries[i].rules);
        free(list->entries[i].folder);
    }
    free(list->entries);
    *list = (struct ignore_list){0};
}

bool ignore_list_is_within(const char *path, const char *folder) {
    size_t len = strlen(folder);
    if (len == 1 && *folder == '/')
        return true;
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* The verdict of the deepest folder that has one. */
static void ask(const struct ignore_list *list, const char *path, bool is_folder, size_t *deepest,
                enum gitignore_verdict *verdict) {
    for (size_t i = 0; i < list->count; i++) {
        const struct ignore_entry *entry = &list->entries[i];
        size_t len = strlen(entry->folder);
        if (len <= *deepest || !ignore_list_is_within(path, entry->folder) || path[len] == '\0')
            continue;
        enum gitignore_verdict said = gitignore_check(entry->rules, path + len + (len > 1), is_folder);
        if (said != GITIGNORE_SILENT) {
            *deepest = len;
            *verdict = said;
        }
    }
}

bool ignore_list_has(const struct ignore_list *list, const struct ignore_list *more, const char *path, bool is_folder) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    enum gitignore_verdict verdict = GITIGNORE_SILENT;
    size_t deepest = 0;
    for (size_t i = 0; is_folder && i < sizeof always / sizeof *always; i++)
        if (strcmp(name, always[i]) == 0)
            return true;
    ask(list, path, is_folder, &deepest, &verdict);
    ask(more, path, is_folder, &deepest, &verdict);
    return verdict == GITIGNORE_IGNORED;
}
