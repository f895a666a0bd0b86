/* The paths that a watch leaves out: __pycache__, the folders of version control, and what .gitignore files ignore.
 *
 * ignore_list_merge(), the functions that remove, and ignore_list_deinit() are for the loop. All other functions read
 * the disk or may take long, and are for the thread pool. If .gitignore files are too large, too many, or too slow to
 * match, their rules beyond the limit ignore nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct gitignore;

/* The .gitignore files that were read, each with its folder. */
struct ignore_list {
    struct ignore_entry {
        char *folder; /* absolute */
        size_t folder_len, bytes;
        struct gitignore *rules;
    } * entries;
    size_t count;
    size_t bytes;     /* that all entries hold */
    size_t elsewhere; /* bytes of the other lists that the limit is for */
};

/* Reads FOLDER/.gitignore, if there is one. Of a file over 256 KiB only the beginning is read, and nothing is read once
 * this list and those elsewhere hold 16 MiB. */
void ignore_list_read(struct ignore_list *list, const char *folder);

/* Reads the .gitignore files above the folder, up to the top of its repository; none if it is in no repository. */
void ignore_list_read_above(struct ignore_list *list, const char *folder);

/* Moves all entries of `more` to `list`, in place of entries of the same folders. */
void ignore_list_merge(struct ignore_list *list, struct ignore_list *more);

/* Removes the entries of the folder and of all folders below. */
void ignore_list_remove(struct ignore_list *list, const char *folder);

/* Removes the entries of these folders, and of none below. Sorts the array. */
void ignore_list_remove_exactly(struct ignore_list *list, const char **folders, size_t count);
void ignore_list_deinit(struct ignore_list *list);

/* Whether one of the lists leaves the path (absolute) out. The folders on the path are not looked at. Takes a bounded
 * number of steps. */
bool ignore_list_has(const struct ignore_list *list, const struct ignore_list *more, const char *path, bool is_folder);

/* Whether `path` is `folder` or lies below it. */
bool ignore_list_is_within(const char *path, const char *folder);
