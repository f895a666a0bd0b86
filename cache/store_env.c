/* See store_env.h. */
#include "cache/store_env.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"
#include "cache/crash_guard.h"
#include "cache/folder.h"
#include "cache/store.h"

/* Of the format: another one has another folder. The file is laid out as this machine's words are.
 */
#define FORMAT "v1"
#define LAYOUT (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "le" : "be")

/* Threads of all processes that read at once, at most. */
#define READERS_MAX 1000
#define LOCK_FILE_SIZE (READERS_MAX * 64 + 4096)

/* A store that cannot be opened is not tried again for so long. */
#define RETRY_AFTER_S 60

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

struct store_env {
    char *path;            /* of the file */
    int folder;            /* descriptor of its folder */
    pthread_rwlock_t lock; /* for writing: while `env` is opened or closed */
    pthread_mutex_t files; /* with a lock on the folder: while files come and go; taken after `lock` */
    MDB_env *env;          /* or NULL */
    MDB_dbi tables[STORE_TABLES];
    ino_t inode;
    atomic_bool stale; /* to be opened again */
    uint64_t limit;
    time_t retry_at;
};

static time_t now(void) {
    return clock_ms() / 1000;
}

static bool write_small(int folder, const char *name, const char *text, bool durable) {
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t len = strlen(text);
    bool fine = fd >= 0 && write(fd, text, len) == (ssize_t)len && (!durable || fsync(fd) == 0);
    if (fd >= 0)
        close(fd);
    return fine;
}

static ino_t inode_of(int folder, const char *name) {
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

static bool lock_folder(struct store_env *env) {
    pthread_mutex_lock(&env->files);
    if (flock(env->folder, LOCK_EX) == 0)
        return true;
    pthread_mutex_unlock(&env->files);
    return false;
}

static void unlock_folder(struct store_env *env) {
    flock(env->folder, LOCK_UN);
    pthread_mutex_unlock(&env->files);
}

/* With the folder locked. */
static void remove_file(const struct store_env *env) {
    unlinkat(env->folder, "store", 0);
    unlinkat(env->folder, "store-lock", 0);
    unlinkat(env->folder, "clean", 0);
}

/* With the folder locked: throws away what a power cut may have torn, and notes the boot. */
static void mind_boot(const struct store_env *env) {
    char here[64], last[64];
    (void)io_read_text(AT_FDCWD, BOOT_ID_FILE, O_NOFOLLOW, here, sizeof here);
    (void)io_read_text(env->folder, "boot", O_NOFOLLOW, last, sizeof last);
    if (strcmp(here, last) == 0)
        return;
    if (inode_of(env->folder, "clean") == 0)
        remove_file(env);
    write_small(env->folder, "boot", here, false);
}

static uint64_t read_limit(const struct store_env *env) {
    char text[32];
    (void)io_read_text(env->folder, "limit", O_NOFOLLOW, text, sizeof text);
    unsigned long long limit = strtoull(text, NULL, 10);
    return limit >= STORE_LIMIT_MIN && limit <= STORE_LIMIT_MAX ? limit : STORE_LIMIT_DEFAULT;
}

static bool write_limit(const struct store_env *env, uint64_t limit) {
    char text[32];
    snprintf(text, sizeof text, "%llu\n", (unsigned long long)limit);
    return write_small(env->folder, "limit", text, false);
}

/* LMDB writes to its lock file through a mapping: on a full disk that would be a signal, so its
 * room is made first. */
static int make_lock_file(const struct store_env *env) {
    int fd = openat(env->folder, "store-lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    int error = posix_fallocate(fd, 0, LOCK_FILE_SIZE);
    close(fd);
    return error;
}

static int open_tables(struct store_env *env) {
    static const char *const names[STORE_TABLES] = {"values", "uses", "ages", "totals"};
    MDB_txn *txn;
    int status = mdb_txn_begin(env->env, NULL, 0, &txn);
    if (status != 0)
        return status;
    for (int i = 0; status == 0 && i < STORE_TABLES; i++)
        status = mdb_dbi_open(txn, names[i], MDB_CREATE, &env->tables[i]);
    if (status == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return status;
}

static void close_env(struct store_env *env) {
    if (env->env != NULL)
        mdb_env_close(env->env);
    env->env = NULL;
    env->stale = false;
}

/* With the folder locked. Returns 0 or LMDB's status. */
static int try_open(struct store_env *env) {
    const unsigned flags = MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS;
    int dead, status = make_lock_file(env);
    if (status == 0)
        status = mdb_env_create(&env->env);
    if (status != 0)
        return status;
    mdb_env_set_maxdbs(env->env, STORE_TABLES);
    mdb_env_set_mapsize(env->env, env->limit / 4096 * 4096);
    status = mdb_env_open(env->env, env->path, flags, 0600);
    if (status == 0)
        status = mdb_reader_check(env->env, &dead);
    if (status == 0)
        status = open_tables(env);
    env->inode = inode_of(env->folder, "store");
    if (status != 0)
        close_env(env);
    return status;
}

/* Whether the file itself is at fault, and not the disk or the machine. */
static bool blames_file(int status) {
    return status == MDB_INVALID || status == MDB_CORRUPTED || status == MDB_PAGE_NOTFOUND ||
           status == MDB_VERSION_MISMATCH || status == MDB_INCOMPATIBLE || status == MDB_PANIC ||
           status == MDB_BAD_TXN || status == MDB_PAGE_FULL || status == MDB_CURSOR_FULL;
}

/* Opens the file, anew where that is its fault. Returns 0 or LMDB's status. With `lock` held for
 * writing. */
static int open_env(struct store_env *env) {
    close_env(env);
    if (!lock_folder(env))
        return errno;
    mind_boot(env);
    env->limit = read_limit(env);
    crash_guard_begin(env->path);
    int status = try_open(env);
    if (blames_file(status)) {
        remove_file(env);
        status = try_open(env);
    }
    crash_guard_end();
    unlock_folder(env);
    env->retry_at = status == 0 ? 0 : now() + RETRY_AFTER_S;
    return status;
}

struct store_env *store_env_new(const char *folder, uint64_t limit, char **why) {
    int parent = folder_open(folder, why);
    if (parent < 0)
        return NULL;
    close(parent);
    char *place = xasprintf("%s/%s-%s%d", folder, FORMAT, LAYOUT, (int)sizeof(size_t) * 8);
    struct store_env *env = xcalloc(1, sizeof *env);
    env->folder = folder_open(place, why);
    env->path = xasprintf("%s/store", place);
    free(place);
    pthread_rwlock_init(&env->lock, NULL);
    pthread_mutex_init(&env->files, NULL);
    if (env->folder < 0)
        return store_env_free(env);
    if (limit != 0 && limit != read_limit(env))
        write_limit(env, limit);
    int status = open_env(env);
    if (status == 0)
        return env;
    *why = xasprintf("the cache in %s cannot be opened: %s", folder, mdb_strerror(status));
    return store_env_free(env);
}

struct store_env *store_env_free(struct store_env *env) {
    if (env == NULL)
        return NULL;
    close_env(env);
    if (env->folder >= 0)
        close(env->folder);
    pthread_rwlock_destroy(&env->lock);
    pthread_mutex_destroy(&env->files);
    free(env->path);
    free(env);
    return NULL;
}

/* Opens the file again if it is not the one at its place. False: none can be used. */
static bool reopen(struct store_env *env) {
    pthread_rwlock_wrlock(&env->lock);
    bool fine = env->env != NULL && !env->stale && env->inode == inode_of(env->folder, "store");
    if (!fine && now() >= env->retry_at)
        fine = open_env(env) == 0;
    pthread_rwlock_unlock(&env->lock);
    return fine;
}

/* Throws away the file of that inode. */
static void discard_inode(struct store_env *env, ino_t inode) {
    if (!lock_folder(env))
        return;
    if (inode == inode_of(env->folder, "store"))
        remove_file(env);
    unlock_folder(env);
}

/* With a transaction that writes: the file is about not to be clean, which must be on the disk
 * before that. */
static bool make_unclean(const struct store_env *env) {
    return inode_of(env->folder, "clean") == 0 || (unlinkat(env->folder, "clean", 0) == 0 && fsync(env->folder) == 0);
}

static void end(struct store_txn *txn) {
    crash_guard_end();
    pthread_rwlock_unlock(&txn->owner->lock);
}

/* Returns 0 or LMDB's status. With `lock` held for reading, which stays so on success. */
static int begin(struct store_env *env, bool writing, struct store_txn *txn) {
    if (env->env == NULL || env->stale || env->inode != inode_of(env->folder, "store"))
        return MDB_MAP_RESIZED;
    *txn = (struct store_txn){.owner = env, .inode = env->inode};
    memcpy(txn->tables, env->tables, sizeof txn->tables);
    crash_guard_begin(env->path);
    int status = mdb_txn_begin(env->env, NULL, writing ? 0 : MDB_RDONLY, &txn->txn);
    if (status == 0 && writing && !make_unclean(env)) {
        mdb_txn_abort(txn->txn);
        status = EIO;
    }
    if (status != 0) {
        crash_guard_end();
        env->stale = true;
    }
    return status;
}

bool store_env_begin(struct store_env *env, bool writing, struct store_txn *txn) {
    for (int tries = 0; tries < 3; tries++) {
        pthread_rwlock_rdlock(&env->lock);
        int status = begin(env, writing, txn);
        if (status == 0)
            return true;
        ino_t inode = env->inode;
        pthread_rwlock_unlock(&env->lock);
        if (blames_file(status))
            discard_inode(env, inode);
        if (!reopen(env))
            return false;
    }
    return false;
}

int store_env_commit(struct store_txn *txn) {
    int status = mdb_txn_commit(txn->txn);
    if (blames_file(status))
        discard_inode(txn->owner, txn->inode);
    end(txn);
    return status;
}

void store_env_abort(struct store_txn *txn) {
    mdb_txn_abort(txn->txn);
    end(txn);
}

void store_env_judge(struct store_txn *txn, int status) {
    if (blames_file(status))
        discard_inode(txn->owner, txn->inode);
}

uint64_t store_env_limit(const struct store_env *env) {
    return env->limit;
}

uint64_t store_env_file_bytes(const struct store_env *env) {
    struct stat st;
    return fstatat(env->folder, "store", &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

void store_env_discard(struct store_env *env) {
    discard_inode(env, inode_of(env->folder, "store"));
}

/* With the folder locked. */
static bool replace_file(struct store_env *env) {
    char *path = xasprintf("%s.new", env->path);
    unlinkat(env->folder, "store.new", 0);
    crash_guard_begin(env->path);
    int status = mdb_env_copy2(env->env, path, MDB_CP_COMPACT);
    crash_guard_end();
    free(path);
    if (status != 0) {
        unlinkat(env->folder, "store.new", 0);
        return false;
    }
    unlinkat(env->folder, "clean", 0);
    unlinkat(env->folder, "store-lock", 0);
    return renameat(env->folder, "store.new", env->folder, "store") == 0;
}

bool store_env_compact(struct store_env *env, uint64_t limit) {
    if (!reopen(env))
        return false;
    pthread_rwlock_rdlock(&env->lock);
    bool fine = env->env != NULL && lock_folder(env);
    if (fine) {
        fine = write_limit(env, limit) && replace_file(env);
        unlock_folder(env);
    }
    pthread_rwlock_unlock(&env->lock);
    return fine;
}

/* No other commits while the writer's lock is held. */
void store_env_sync(struct store_env *env) {
    struct store_txn txn;
    if (inode_of(env->folder, "clean") != 0 || !store_env_begin(env, true, &txn))
        return;
    if (mdb_env_sync(env->env, 1) == 0 && txn.inode == inode_of(env->folder, "store"))
        write_small(env->folder, "clean", "", true);
    store_env_abort(&txn);
}
