/* A sorted array. Removed entries stay as tombstones until they are half of it. */
#include "daemon/watch/folder_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/buffer.h"
#include "daemon/watch/ignore_list.h"

/* The index of the first entry that is not below `wd`. */
static size_t table_position(const struct folder_table *table, int wd) {
    size_t low = 0, high = table->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].wd < wd)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct followed_folder *table_find(const struct folder_table *table, int wd) {
    size_t at = table_position(table, wd);
    return at < table->len && table->entries[at].wd == wd ? &table->entries[at] : NULL;
}

static struct followed_folder *table_insert(struct folder_table *table, int wd) {
    size_t at = table_position(table, wd);
    if (table->len == table->cap) {
        table->cap = table->cap ? table->cap * 2 : 16;
        table->entries = xrealloc(table->entries, table->cap * sizeof *table->entries);
    }
    memmove(table->entries + at + 1, table->entries + at, (table->len - at) * sizeof *table->entries);
    table->len++;
    table->entries[at] = (struct followed_folder){.wd = wd};
    return &table->entries[at];
}

static void table_clear(struct folder_table *table, struct followed_folder *entry) {
    if (entry->path == NULL)
        return;
    table->count--;
    table->path_bytes -= strlen(entry->path) + 1;
    free(entry->path);
    entry->path = NULL;
}

static void table_compact(struct folder_table *table) {
    size_t kept = 0;
    if (table->len <= 16 || table->count >= table->len / 2)
        return;
    for (size_t i = 0; i < table->len; i++)
        if (table->entries[i].path != NULL)
            table->entries[kept++] = table->entries[i];
    table->len = kept;
    table->cap = kept > 16 ? kept : 16;
    table->entries = xrealloc(table->entries, table->cap * sizeof *table->entries);
}

const char *folder_table_get(const struct folder_table *table, int wd) {
    const struct followed_folder *entry = table_find(table, wd);
    return entry ? entry->path : NULL;
}

void folder_table_put(struct folder_table *table, int wd, char *path) {
    struct followed_folder *entry = table_find(table, wd);
    if (entry == NULL)
        entry = table_insert(table, wd);
    table_clear(table, entry);
    entry->path = path;
    table->count++;
    table->path_bytes += strlen(path) + 1;
}

void folder_table_remove(struct folder_table *table, int wd) {
    struct followed_folder *entry = table_find(table, wd);
    if (entry == NULL)
        return;
    table_clear(table, entry);
    table_compact(table);
}

void folder_table_unfollow(struct folder_table *table, int inotify_fd, const char *folder) {
    for (size_t i = 0; i < table->len; i++) {
        struct followed_folder *entry = &table->entries[i];
        if (entry->path == NULL || !ignore_list_is_within(entry->path, folder))
            continue;
        (void)inotify_rm_watch(inotify_fd, entry->wd); /* it may be gone */
        table_clear(table, entry);
    }
    table_compact(table);
}

size_t folder_table_size(const struct folder_table *table) {
    return table->cap * sizeof *table->entries + table->path_bytes + table->count * ALLOCATION_BYTES;
}

void folder_table_deinit(struct folder_table *table) {
    for (size_t i = 0; i < table->len; i++)
        free(table->entries[i].path);
    free(table->entries);
    *table = (struct folder_table){0};
}
