/* Two locks: `open`, among the threads of this process, keeps the file open; the folder's flock, among all processes,
 * is for those that write. The second is never waited for long, since a process that was stopped may hold it. */
#include "cache/store_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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
#include "cache/folder.h"
#include "cache/store_space.h"

/* Names the format: another format has another folder. Numbers in the file have this machine's byte order. */
#define FORMAT "v2"
#define BYTE_ORDER_NAME (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "le" : "be")

/* The time after which a store that could not be opened is tried again. */
#define RETRY_AFTER_MS 60000

/* The time that a writer waits for the lock, and the interval at which it looks. After a wait in vain no writer waits
 * for a while: the process that has the lock may have been stopped. */
#define LOCK_MS 300
#define LOCK_STEP_NS 200000
#define LOCK_IMPATIENT_MS 10000

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

struct store_folder {
    int fd;                  /* of the folder */
    pthread_rwlock_t open;   /* for writing: while `file` is opened or closed */
    pthread_mutex_t writing; /* with the flock, which is one for all threads; taken after `open` */
    struct store_file file;
    int64_t retry_at;        /* of clock_ms(): when the file is opened again */
    int64_t impatient_until; /* of clock_ms(); guarded by `writing` */
};

/* Reads a small file of the folder, or of any folder by its absolute path. "" where it cannot be read. */
static void small_read(int folder, const char *name, char *text, size_t size) {
    (void)io_read_text(folder, name, O_NOFOLLOW | O_NONBLOCK, text, size); /* leaves "" */
}

static bool is_clean(int folder) {
    return faccessat(folder, "clean", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Locks the folder against other processes by the deadline. Returns 0, -EAGAIN where another one keeps it, or another
 * negative errno value. */
static int flock_by(int fd, int64_t deadline) {
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (clock_ms() >= deadline)
            return -EAGAIN;
        (void)nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_NS}, NULL); /* the loop has the deadline */
    }
    return 0;
}

static int folder_lock(struct store_folder *folder) {
    pthread_mutex_lock(&folder->writing);
    int64_t now = clock_ms();
    int status = flock_by(folder->fd, now < folder->impatient_until ? now : now + LOCK_MS);
    if (status == -EAGAIN && now >= folder->impatient_until)
        folder->impatient_until = now + LOCK_IMPATIENT_MS;
    if (status < 0)
        pthread_mutex_unlock(&folder->writing);
    return status;
}

static void folder_unlock(struct store_folder *folder) {
    flock(folder->fd, LOCK_UN);
    pthread_mutex_unlock(&folder->writing);
}

/* Removes the store, which may have been replaced by something else. Returns 0 or a negative errno value. */
static int store_unlink(int fd) {
    (void)unlinkat(fd, "clean", 0); /* without the store it says nothing */
    if (unlinkat(fd, "store", 0) == 0 || errno == ENOENT)
        return 0;
    return unlinkat(fd, "store", AT_REMOVEDIR) == 0 ? 0 : -errno;
}

static uint64_t limit_read(int fd) {
    char text[32];
    small_read(fd, "limit", text, sizeof text);
    unsigned long long limit = strtoull(text, NULL, 10);
    return limit >= STORE_LIMIT_MIN && limit <= STORE_LIMIT_MAX ? limit : STORE_LIMIT_DEFAULT;
}

static int limit_write(int fd, uint64_t limit) {
    char text[32];
    snprintf(text, sizeof text, "%llu\n", (unsigned long long)limit);
    return io_replace_file(fd, "limit", text, strlen(text));
}

/* With the folder locked: throws away what a power cut may have torn, and notes the boot. */
static void mind_boot(const struct store_folder *folder) {
    char here[64], last[64];
    small_read(AT_FDCWD, BOOT_ID_FILE, here, sizeof here);
    small_read(folder->fd, "boot", last, sizeof last);
    if (strcmp(here, last) == 0)
        return;
    if (!is_clean(folder->fd))
        (void)store_unlink(folder->fd);                            /* what cannot be removed cannot be opened either */
    (void)io_replace_file(folder->fd, "boot", here, strlen(here)); /* else the store is thrown away once more */
}

/* With the folder locked: makes a file of the limit with what fits of `from`, and puts it in the store's place. */
static int file_move(const struct store_folder *folder, const struct store_file *from, uint64_t limit) {
    static const char name[] = "store.new";
    struct store_header header;
    struct store_file file;
    struct store_writer writer;
    int status = store_file_read_header(from, &header);
    if (status < 0 || (status = store_file_create(&file, folder->fd, name, limit)) < 0)
        return status;
    status = store_space_begin(&writer, &file, header.segments[header.current].age);
    if (status == 0) {
        status = store_space_copy(&writer, from, &header);
        int ended = store_space_end(&writer);
        status = status < 0 ? status : ended;
    }
    store_file_close(&file);
    (void)unlinkat(folder->fd, "clean", 0);
    if (status == 0 && renameat(folder->fd, name, folder->fd, "store") < 0)
        status = -errno;
    if (status < 0)
        (void)unlinkat(folder->fd, name, 0);
    return status;
}

/* With the folder locked: opens the file, makes it where there is none, and gives it the limit that is kept. Where the
 * disk has no room for that, the file stays as it is. */
static int file_prepare(struct store_folder *folder) {
    struct store_file *file = &folder->file;
    uint64_t limit = limit_read(folder->fd);
    mind_boot(folder);
    int status = store_file_open(file, folder->fd, "store");
    if (status == 0 && file->limit != limit) {
        int moved = file_move(folder, file, limit);
        if (moved == 0 || moved == -EBADMSG)
            store_file_close(file);
        if (moved == 0)
            status = store_file_open(file, folder->fd, "store");
        else if (moved == -EBADMSG)
            status = moved;
    }
    if (status == -EBADMSG)
        status = store_unlink(folder->fd) == 0 ? -ENOENT : status;
    return status == -ENOENT ? store_file_create(file, folder->fd, "store", limit) : status;
}

/* Opens the file that is in its place. Returns 0 or a negative errno value. With `open` held for writing. */
static int file_open(struct store_folder *folder) {
    store_file_close(&folder->file);
    int status = folder_lock(folder);
    if (status == 0) {
        status = file_prepare(folder);
        folder_unlock(folder);
    } else if (status == -EAGAIN) { /* some process makes it, or was stopped while it wrote */
        status = store_file_open(&folder->file, folder->fd, "store");
    }
    folder->retry_at = status == 0 ? 0 : clock_ms() + RETRY_AFTER_MS;
    return status;
}

/* Opens the folder of this format in the cache's folder. */
static int place_open(const char *path, char **why) {
    int parent = folder_open(path, why);
    if (parent < 0)
        return parent;
    close(parent);
    char *place = xasprintf("%s/" FORMAT "-%s", path, BYTE_ORDER_NAME);
    int fd = folder_open(place, why);
    free(place);
    return fd;
}

struct store_folder *store_folder_new(const char *path, uint64_t limit, char **why) {
    int fd = place_open(path, why);
    if (fd < 0)
        return NULL;
    struct store_folder *folder = xcalloc(1, sizeof *folder);
    folder->fd = fd;
    folder->file.fd = -1;
    pthread_rwlock_init(&folder->open, NULL);
    pthread_mutex_init(&folder->writing, NULL);
    if (limit != 0 && limit != limit_read(fd))
        (void)limit_write(fd, limit); /* else the limit that is kept holds */
    int status = file_open(folder);
    if (status == 0)
        return folder;
    *why = xasprintf("the cache in %s cannot be opened: %s", path, strerror(-status));
    return store_folder_free(folder);
}

struct store_folder *store_folder_free(struct store_folder *folder) {
    if (folder == NULL)
        return NULL;
    store_file_close(&folder->file);
    close(folder->fd);
    pthread_rwlock_destroy(&folder->open);
    pthread_mutex_destroy(&folder->writing);
    free(folder);
    return NULL;
}

/* Whether the open file is the one in its place: a file that was removed or replaced has no name any more. */
static bool file_is_current(const struct store_folder *folder) {
    struct stat st;
    return folder->file.fd >= 0 && fstat(folder->file.fd, &st) == 0 && st.st_nlink > 0;
}

/* Opens the file again if another one, or none, is in its place. Returns whether a file is open now. */
static bool file_reopen(struct store_folder *folder) {
    pthread_rwlock_wrlock(&folder->open);
    bool fine = file_is_current(folder);
    if (!fine && clock_ms() >= folder->retry_at)
        fine = file_open(folder) == 0;
    pthread_rwlock_unlock(&folder->open);
    return fine;
}

const struct store_file *store_folder_enter(struct store_folder *folder) {
    for (int tries = 0; tries < 3; tries++) {
        pthread_rwlock_rdlock(&folder->open);
        if (file_is_current(folder))
            return &folder->file;
        pthread_rwlock_unlock(&folder->open);
        if (!file_reopen(folder))
            break;
    }
    return NULL;
}

void store_folder_leave(struct store_folder *folder) {
    pthread_rwlock_unlock(&folder->open);
}

/* With the lock: notes that the file is about to be changed. Returns whether that note is on the disk, as it must be
 * before the change. */
static bool make_unclean(const struct store_folder *folder) {
    return !is_clean(folder->fd) || (unlinkat(folder->fd, "clean", 0) == 0 && fsync(folder->fd) == 0);
}

int store_folder_lock(struct store_folder *folder, const struct store_file **file) {
    int status = -ENOENT;
    for (int tries = 0; tries < 3; tries++) {
        *file = store_folder_enter(folder);
        if (*file == NULL)
            return status;
        status = folder_lock(folder);
        if (status == 0 && file_is_current(folder) && make_unclean(folder))
            return 0;
        if (status == 0)
            folder_unlock(folder);
        store_folder_leave(folder);
        if (status < 0)
            return status;
        status = -EIO;
    }
    return status;
}

void store_folder_unlock(struct store_folder *folder) {
    folder_unlock(folder);
    store_folder_leave(folder);
}

int store_folder_discard(struct store_folder *folder) {
    return store_unlink(folder->fd);
}

int store_folder_remove(const char *path, char **why) {
    int fd = place_open(path, why);
    if (fd < 0)
        return fd;
    int status = store_unlink(fd);
    if (status < 0)
        *why = xasprintf("the cache in %s cannot be removed: %s", path, strerror(-status));
    close(fd);
    return status;
}

uint64_t store_folder_limit(const struct store_folder *folder) {
    return limit_read(folder->fd);
}

uint64_t store_folder_file_bytes(const struct store_folder *folder) {
    struct stat st;
    return fstatat(folder->fd, "store", &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

int store_folder_set_limit(struct store_folder *folder, uint64_t limit) {
    int status = limit_write(folder->fd, limit);
    if (status < 0)
        return status;
    pthread_rwlock_wrlock(&folder->open);
    status = file_open(folder);
    if (status == 0 && folder->file.limit != limit)
        status = -ENOSPC; /* or another process has kept the lock; the next that opens the store tries again */
    pthread_rwlock_unlock(&folder->open);
    return status;
}

void store_folder_sync(struct store_folder *folder) {
    struct store_header before, after;
    const struct store_file *file = is_clean(folder->fd) ? NULL : store_folder_enter(folder);
    if (file == NULL)
        return;
    bool synced = store_file_read_header(file, &before) == 0 && fdatasync(file->fd) == 0;
    store_folder_leave(folder);
    if (!synced || store_folder_lock(folder, &file) < 0)
        return;
    if (store_file_read_header(file, &after) == 0 && after.generation == before.generation && !after.dirty)
        (void)io_replace_file(folder->fd, "clean", "",
                              0); /* else it is not clean, which costs no more than the cache */
    store_folder_unlock(folder);
}
