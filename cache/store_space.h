/* The space in a store's file: where a new record goes, and which records leave for it. The caller has locked the
 * folder (cache/store_folder.h), so only one process writes at a time.
 *
 * Segments are filled one after another. When none is empty, the segment that was written to least recently is emptied.
 * Times are hours; of several segments with the same hour any one may be chosen. An entry that is used while its
 * segment is old is copied to the current segment. So roughly the least recently used entries leave first, and a set of
 * entries that is larger than the store still has hits when it is used again and again in the same order.
 *
 * A process may be killed in the middle of all this. A record is written before its slot points at it, and all slots of
 * a segment are cleared before its records are overwritten, so every slot points at a whole record at any moment.
 * Totals can be wrong after that; the header says so (dirty), and the next writer counts again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/store_file.h"

/* A change of the file that is under way. */
struct store_writer {
    const struct store_file *file;
    struct store_header header;
    uint32_t now; /* the hour, as in slots */
};

/* Begins. Returns 0; -EBADMSG: the header is damaged and the file is of no use; or another negative errno value. After
 * 0, store_space_end() must be called, even if a function between has failed. Every function that returns -EBADMSG has
 * found the file damaged beyond use. */
int store_space_begin(struct store_writer *writer, const struct store_file *file, uint32_t now);
int store_space_end(struct store_writer *writer);

/* Puts an entry in place of the one that the key has; one that is larger than a segment is left out. `age`: the hour in
 * which it was last used. Returns 0 or a negative errno value, as for a full disk. */
int store_space_put(struct store_writer *writer, const struct store_key *key, const void *value, size_t len,
                    uint32_t age);

/* Notes that the key's entry, if there is one, is used now. */
int store_space_use(struct store_writer *writer, const struct store_key *key);

/* Removes the entry whose slot has the key's tag, if its record is damaged. Returns whether it has removed one. */
bool store_space_remove_damaged(struct store_writer *writer, const struct store_key *key);

/* Counts the entries anew, and drops slots that cannot be right. */
int store_space_recount(struct store_writer *writer);

/* Copies entries of another file, whose header is `header`: all, or the most recently used ones that fit; its totals
 * too. */
int store_space_copy(struct store_writer *writer, const struct store_file *from, const struct store_header *header);
