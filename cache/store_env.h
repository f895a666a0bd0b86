/* The file under a store: opened, locked, found replaced or unusable, and begun anew. What is in it
 * is store.c's.
 *
 * The folder of this format holds the file `store` with LMDB's `store-lock`; `limit`, a number;
 * `boot`, the boot of the machine in which the store was last opened; and, while all that was
 * committed is on the disk, `clean`. Commits do not wait for the disk. That is safe when a process
 * is killed; a power cut may tear the file, so a store of an earlier boot that was not clean is
 * thrown away. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <lmdb.h>

enum store_table {
    STORE_VALUES, /* key: checksum, value */
    STORE_USES,   /* key: struct of store.c: when it was last used, what it takes */
    STORE_AGES,   /* when it was last used and key: nothing; in the order in which entries leave */
    STORE_TOTALS, /* one record */
    STORE_TABLES,
};

struct store_env;

/* A transaction; begun, it keeps the file open until it is ended. */
struct store_txn {
    struct store_env *owner;
    MDB_txn *txn;
    MDB_dbi tables[STORE_TABLES];
    ino_t inode;
};

/* Makes the folder and opens the file. `limit`: bytes, or 0 for the one kept. Returns NULL with a
 * message in *why, which the caller frees. */
struct store_env *store_env_new(const char *folder, uint64_t limit, char **why);
struct store_env *store_env_free(struct store_env *env);

/* Begins a transaction on the file that is at its place now. False: there is none that can be used.
 * Every one that was begun must be ended: commit is for those that write. A commit returns LMDB's
 * status. */
bool store_env_begin(struct store_env *env, bool writing, struct store_txn *txn);
int store_env_commit(struct store_txn *txn);
void store_env_abort(struct store_txn *txn);

/* Says what a call of LMDB in the transaction returned, before it is ended. A file that is at fault
 * is thrown away. */
void store_env_judge(struct store_txn *txn, int status);

/* The limit, and the file's size now, in bytes. */
uint64_t store_env_limit(const struct store_env *env);
uint64_t store_env_file_bytes(const struct store_env *env);

/* Throws the file away; the next transaction begins a new one. */
void store_env_discard(struct store_env *env);

/* Keeps the limit and writes the file anew without its free pages. Other processes go over to the
 * new file. */
bool store_env_compact(struct store_env *env, uint64_t limit);

/* Waits until the disk holds all that was committed, and notes it. */
void store_env_sync(struct store_env *env);
