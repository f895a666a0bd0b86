/* The folders that an inotify instance follows, by watch descriptor.
 *
 * The kernel numbers watch descriptors upwards and uses none again before it has counted through all of them. So memory
 * follows the number of folders, never the largest descriptor. */
#pragma once

#include <stddef.h>

struct folder_table {
    struct followed_folder {
        int wd;
        char *path; /* owned; NULL: gone */
    } * entries;    /* in the order of wd */
    size_t len, cap;
    size_t count;      /* of those that are not gone */
    size_t path_bytes; /* of their paths */
};

/* The folder's path, borrowed; NULL if there is none of that descriptor. */
const char *folder_table_get(const struct folder_table *table, int wd);

/* Takes the path, in place of another one of that descriptor. */
void folder_table_put(struct folder_table *table, int wd, char *path);

/* Removes a folder that the kernel follows no more. */
void folder_table_remove(struct folder_table *table, int wd);

/* Removes the folder and all below it, and tells the inotify instance to follow them no more. */
void folder_table_unfollow(struct folder_table *table, int inotify_fd, const char *folder);

/* The bytes that the table holds. */
size_t folder_table_size(const struct folder_table *table);

void folder_table_deinit(struct folder_table *table);
