/* What a watch leaves out: __pycache__, the folders of version control, and what the .gitignore files say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct gitignore;

/* The .gitignore files that were read, each with its folder. */
struct ignore_list {
    struct ignore_entry {
        char *folder; /* absolute */
        struct gitignore *rules;
    } * entries;
    size_t count;
};

/* Reads FOLDER/.gitignore, if there is one; of a file over 1 MiB the beginning. */
void ignore_list_read(struct ignore_list *list, const char *folder);

/* Reads those above the folder, up to the top of its repository; none where it is in none. */
void ignore_list_read_above(struct ignore_list *list, const char *folder);

/* Moves all entries of `more` to `list`. */
void ignore_list_merge(struct ignore_list *list, struct ignore_list *more);

/* Forgets those of the folder and of the folders below. */
void ignore_list_remove(struct ignore_list *list, const char *folder);
void ignore_list_deinit(struct ignore_list *list);

/* Whether the path (absolute) is left out, by either list; what lies above it is not looked at. */
bool ignore_list_has(const struct ignore_list *list, const struct ignore_list *more, const char *path, bool is_folder);

/* Whether `path` is `folder` or lies below it. */
bool ignore_list_is_within(const char *path, const char *folder);
