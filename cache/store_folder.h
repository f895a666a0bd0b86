/* The folder of a store. Decides which file in it is the store now: opens and locks the file, notices that it was
 * replaced or is damaged, and begins a new one. cache/store_file.h reads and writes the file.
 *
 * The folder of this format holds the file `store`; `limit`, a number; `boot`, the boot of the machine in which the
 * store was last opened; and, while all that was committed is on the disk, `clean`. Commits do not wait for the disk.
 * That is safe when a process is killed. A power cut may tear the file: so a store that was last opened in an earlier
 * boot and is not clean is thrown away. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/store_file.h"

struct store_folder;

/* Makes the folder and opens the file. `limit`: bytes, or 0 for the limit that is kept. NULL with a message in *why,
 * which the caller frees. */
struct store_folder *store_folder_new(const char *folder, uint64_t limit, char **why);

/* Takes NULL; returns NULL. */
struct store_folder *store_folder_free(struct store_folder *folder);

/* Returns the file that is the store now, for reading. It stays open until store_folder_leave(). NULL: there is no
 * usable file; then store_folder_leave() must not be called. */
const struct store_file *store_folder_enter(struct store_folder *folder);
void store_folder_leave(struct store_folder *folder);

/* The same for writing: no other process writes until store_folder_unlock(). Returns 0; -EAGAIN: another process has
 * kept the lock for too long; or another negative errno value. */
int store_folder_lock(struct store_folder *folder, const struct store_file **file);
void store_folder_unlock(struct store_folder *folder);

/* Removes the file; the next store_folder_enter() begins a new one. May be called with or without the lock. Returns 0
 * or a negative errno value. */
int store_folder_discard(struct store_folder *folder);

/* Throws away the file in the cache's folder `path`, whatever it is, without opening it. The limit stays. Returns 0, or
 * a negative errno value with a message in *why, which the caller frees. */
int store_folder_remove(const char *path, char **why);

/* The limit, and the file's size now, in bytes of disk. */
uint64_t store_folder_limit(const struct store_folder *folder);
uint64_t store_folder_file_bytes(const struct store_folder *folder);

/* Keeps a limit and moves what fits to a file of that limit, which takes the old one's place. Returns 0 or a negative
 * errno value. */
int store_folder_set_limit(struct store_folder *folder, uint64_t limit);

/* Waits until the disk holds all that was committed, and notes it if nothing was committed meanwhile. */
void store_folder_sync(struct store_folder *folder);
