/* The deepest folder whose rules say something decides, as in git. */
#include "daemon/watch/ignore_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/watch/gitignore.h"

#define FILE_MAX ((size_t)256 << 10)
#define LIST_MAX ((size_t)16 << 20)
#define ENTRY_BYTES 256 /* counted for a file beside its rules and its folder's name */

/* Steps for one path and all rules: about a millisecond. A rule that does not match takes a few steps in most cases. */
#define STEPS_MAX 500000u

static const char *const always[] = {"__pycache__", ".git", ".hg", ".svn", ".bzr", ".jj", "_darcs", "CVS"};

static void ignore_list_add(struct ignore_list *list, struct ignore_entry entry) {
    list->entries = xrealloc(list->entries, (list->count + 1) * sizeof *list->entries);
    list->entries[list->count++] = entry;
    list->bytes += entry.bytes;
}

/* Opens the .gitignore of a folder. Returns a descriptor, or -1 where there is no regular file of that name. */
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
    int fd = list->bytes + list->elsewhere < LIST_MAX ? open_rules(folder) : -1;
    if (fd < 0)
        return;
    struct buffer text = {0};
    ssize_t got;
    while (text.len < FILE_MAX && (got = read(fd, buffer_reserve(&text, 4096), 4096)) > 0)
        text.len += (size_t)got;
    close(fd);
    struct gitignore *rules = gitignore_parse(text.data ? text.data : "", text.len);
    ignore_list_add(list, (struct ignore_entry){.folder = xstrdup(folder),
                                                .folder_len = strlen(folder),
                                                .bytes = gitignore_size(rules) + strlen(folder) + ENTRY_BYTES,
                                                .rules = rules});
    buffer_deinit(&text);
}

static bool is_repository(const char *folder) {
    char *path = xasprintf("%s/.git", folder);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* The length of the path of the repository's top folder; 0: the folder is in no repository. */
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

/* Keeps the entry as the list's entry number `kept`, or frees it. Returns how many are kept then. */
static size_t ignore_list_sift(struct ignore_list *list, struct ignore_entry entry, bool keep, size_t kept) {
    if (keep) {
        list->entries[kept] = entry;
        return kept + 1;
    }
    list->bytes -= entry.bytes;
    gitignore_free(entry.rules);
    free(entry.folder);
    return kept;
}

void ignore_list_remove(struct ignore_list *list, const char *folder) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct ignore_entry entry = list->entries[i];
        kept = ignore_list_sift(list, entry, !ignore_list_is_within(entry.folder, folder), kept);
    }
    list->count = kept;
}

static int ignore_list_compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void ignore_list_remove_exactly(struct ignore_list *list, const char **folders, size_t count) {
    size_t kept = 0;
    if (list->count == 0 || count == 0)
        return;
    qsort(folders, count, sizeof *folders, ignore_list_compare);
    for (size_t i = 0; i < list->count; i++) {
        struct ignore_entry entry = list->entries[i];
        const char *folder = entry.folder;
        bool found = bsearch(&folder, folders, count, sizeof *folders, ignore_list_compare) != NULL;
        kept = ignore_list_sift(list, entry, !found, kept);
    }
    list->count = kept;
}

void ignore_list_merge(struct ignore_list *list, struct ignore_list *more) {
    const char **folders = xcalloc(more->count + 1, sizeof *folders);
    for (size_t i = 0; i < more->count; i++)
        folders[i] = more->entries[i].folder;
    ignore_list_remove_exactly(list, folders, more->count);
    free(folders);
    for (size_t i = 0; i < more->count; i++)
        ignore_list_add(list, more->entries[i]);
    free(more->entries);
    *more = (struct ignore_list){0};
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

/* The verdict so far, and the length of the folder whose rules gave it. */
struct ignore_verdict {
    enum gitignore_verdict verdict;
    size_t depth;
    unsigned steps; /* that are left */
};

/* Asks the entries of the folders on the path that are deeper than those that have decided. */
static void ignore_list_ask(const struct ignore_list *list, const char *path, size_t path_len, bool is_folder,
                            struct ignore_verdict *found) {
    for (size_t i = 0; i < list->count; i++) {
        const struct ignore_entry *entry = &list->entries[i];
        if (entry->folder_len <= found->depth || entry->folder_len >= path_len ||
            !ignore_list_is_within(path, entry->folder))
            continue;
        const char *below = path + entry->folder_len + (entry->folder_len > 1);
        enum gitignore_verdict said = gitignore_check(entry->rules, below, is_folder, &found->steps);
        if (said == GITIGNORE_SILENT)
            continue;
        found->depth = entry->folder_len;
        found->verdict = said;
    }
}

bool ignore_list_has(const struct ignore_list *list, const struct ignore_list *more, const char *path, bool is_folder) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct ignore_verdict found = {.verdict = GITIGNORE_SILENT, .steps = STEPS_MAX};
    size_t len = strlen(path);
    for (size_t i = 0; is_folder && i < sizeof always / sizeof *always; i++)
        if (strcmp(name, always[i]) == 0)
            return true;
    ignore_list_ask(list, path, len, is_folder, &found);
    ignore_list_ask(more, path, len, is_folder, &found);
    return found.verdict == GITIGNORE_IGNORED;
}
