/* One thread, one folder at a time: `wanted` is what the caller asks for, `busy` what the thread works on. */
#include "client/compileall/look_ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cpu_count.h"

/* The fewest names for which it is worth waking a thread. */
#define NAMES_MIN 24

struct look_ahead {
    look_ahead_check *check;
    void *context;
    pthread_t thread;
    bool is_decided; /* whether there is a thread: `has_thread` */
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct look_ahead_folder *_Atomic wanted; /* changed under the lock */
    struct look_ahead_folder *busy;
    bool quit;
};

struct look_ahead *look_ahead_new(look_ahead_check *check, void *context) {
    struct look_ahead *ahead = xcalloc(1, sizeof *ahead);
    ahead->check = check;
    ahead->context = context;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    return ahead;
}

/* Judges names from the end until the caller is met, or wants something else. */
static void look_ahead_work(struct look_ahead *ahead, struct look_ahead_folder *folder) {
    while (folder->back > folder->front && ahead->wanted == folder) {
        size_t index = folder->back - 1;
        const char *name = folder->name(folder->names, index);
        folder->current[index] = ahead->check(folder->dir_fd, name, ahead->context);
        folder->back = index;
    }
}

static void *look_ahead_run(void *argument) {
    struct look_ahead *ahead = argument;
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->quit) {
        struct look_ahead_folder *folder = ahead->wanted;
        if (folder == NULL) {
            pthread_cond_wait(&ahead->changed, &ahead->lock);
            continue;
        }
        ahead->busy = folder;
        pthread_mutex_unlock(&ahead->lock);
        look_ahead_work(ahead, folder);
        pthread_mutex_lock(&ahead->lock);
        ahead->busy = NULL;
        if (ahead->wanted == folder)
            ahead->wanted = NULL; /* it is done */
        pthread_cond_broadcast(&ahead->changed);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* Starts the thread, at the first call alone. Signals are the first thread's. Returns whether one runs; if not, the
 * caller judges all files. */
static bool look_ahead_start(struct look_ahead *ahead) {
    sigset_t all, old;
    if (ahead->is_decided)
        return ahead->has_thread;
    ahead->is_decided = true;
    if (cpu_count().cpus < 2)
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    ahead->has_thread = pthread_create(&ahead->thread, NULL, look_ahead_run, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ahead->has_thread;
}

static void look_ahead_want(struct look_ahead *ahead, struct look_ahead_folder *folder) {
    pthread_mutex_lock(&ahead->lock);
    ahead->wanted = folder;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

void look_ahead_begin(struct look_ahead *ahead, struct look_ahead_folder *folder) {
    if (ahead == NULL || folder->count < folder->front + NAMES_MIN || !look_ahead_start(ahead))
        return;
    if (folder->current == NULL) {
        folder->current = xcalloc(folder->count, sizeof *folder->current);
        folder->back = folder->count;
    }
    look_ahead_want(ahead, folder);
}

bool look_ahead_is_current(struct look_ahead_folder *folder, size_t index) {
    folder->front = index + 1;
    return folder->current != NULL && folder->current[index];
}

void look_ahead_end(struct look_ahead *ahead, struct look_ahead_folder *folder) {
    if (folder->current == NULL)
        return;
    pthread_mutex_lock(&ahead->lock);
    if (ahead->wanted == folder)
        ahead->wanted = NULL;
    while (ahead->busy == folder)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
    free((void *)folder->current);
    folder->current = NULL;
}

struct look_ahead *look_ahead_free(struct look_ahead *ahead) {
    if (ahead == NULL)
        return NULL;
    if (ahead->has_thread) {
        pthread_mutex_lock(&ahead->lock);
        ahead->quit = true;
        ahead->wanted = NULL;
        pthread_cond_broadcast(&ahead->changed);
        pthread_mutex_unlock(&ahead->lock);
        pthread_join(ahead->thread, NULL);
    }
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead);
    return NULL;
}
