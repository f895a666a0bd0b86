/* The files of a folder and of the folders below, in compileall's order: the names of a folder sorted as Python sorts
 * them, a folder's own files where its name stands. Links to folders are not followed, __pycache__ is left out. */
#pragma once

struct walk;

enum walk_step {
    WALK_LISTING, /* entry->path is the folder that is read next */
    WALK_FAILED,  /* entry->path, just listed, cannot be read */
    WALK_FILE,    /* a name that is no folder, whatever else it is */
    WALK_END,
};

/* Valid until the next step. */
struct walk_entry {
    const char *path;
    int dir_fd; /* the folder that `name` is in; AT_FDCWD where `name` is a path */
    const char *name;
};

/* Begins at `folder`, and goes so many levels below it. The caller calls walk_free(), which takes NULL. */
struct walk *walk_new(const char *folder, long levels);
struct walk *walk_free(struct walk *walk);

enum walk_step walk_next(struct walk *walk, struct walk_entry *entry);
