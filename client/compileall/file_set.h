/* A set of files by device and inode, not by path. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct file_id {
    dev_t device;
    ino_t inode;
};

struct file_set {
    void *root;
};

struct file_id file_id_of(const struct stat *st);

bool file_set_has(const struct file_set *set, const struct file_id *id);

/* Adds a file that is not in the set. The id must stay at its address until it is removed: the set points to it. */
void file_set_add(struct file_set *set, const struct file_id *id);

/* Removes a file, if it is in the set. */
void file_set_remove(struct file_set *set, const struct file_id *id);
