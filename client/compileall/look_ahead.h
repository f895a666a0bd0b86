/* A second thread that judges the files of a folder from the end, while the caller goes through them from the
 * beginning: where all is up to date, a run is system calls alone, and two threads make them in half the time.
 *
 * Only the verdict "up to date" is kept; every other file is judged by the caller in its turn. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether the file `name` in the folder is up to date. Called in the second thread. */
typedef bool look_ahead_check(int dir_fd, const char *name, void *context);

struct look_ahead;

/* A folder that is gone through: its descriptor, and its names in order. */
struct look_ahead_folder {
    int dir_fd;
    size_t count;
    const char *(*name)(const void *names, size_t index); /* valid until look_ahead_end() */
    const void *names;
    _Atomic size_t front;  /* the caller has come so far */
    size_t back;           /* names from here on are judged */
    _Atomic bool *current; /* the verdicts; NULL: no thread looks at this folder */
};

/* The thread begins when a folder is worth it, if the process has more than one CPU. All functions take NULL. */
struct look_ahead *look_ahead_new(look_ahead_check *check, void *context);
struct look_ahead *look_ahead_free(struct look_ahead *ahead);

/* Lets the thread work on the folder, and on no other; once more to let it go on. Its members up to `names` are set,
 * the others zero. */
void look_ahead_begin(struct look_ahead *ahead, struct look_ahead_folder *folder);

/* States that the caller takes the name, and returns whether the file is known to be up to date. */
bool look_ahead_is_current(struct look_ahead_folder *folder, size_t index);

/* Ends the work on the folder, and frees what it holds. The thread has not begun another file when this returns. */
void look_ahead_end(struct look_ahead *ahead, struct look_ahead_folder *folder);
