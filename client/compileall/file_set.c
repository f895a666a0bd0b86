/* A tree of tsearch(3). */
#include "client/compileall/file_set.h"

#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int file_set_compare(const void *a, const void *b) {
    const struct file_id *x = a, *y = b;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return (x->device > y->device) - (x->device < y->device);
}

struct file_id file_id_of(const struct stat *st) {
    return (struct file_id){st->st_dev, st->st_ino};
}

bool file_set_has(const struct file_set *set, const struct file_id *id) {
    return tfind(id, &set->root, file_set_compare) != NULL;
}

void file_set_add(struct file_set *set, const struct file_id *id) {
    if (tsearch(id, &set->root, file_set_compare) != NULL)
        return;
    fputs("out of memory\n", stderr);
    abort();
}

void file_set_remove(struct file_set *set, const struct file_id *id) {
    tdelete(id, &set->root, file_set_compare);
}
