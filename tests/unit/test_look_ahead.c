/* client/compileall/look_ahead.c: which files the second thread judges, and that it stops. The checks wait for the
 * test, so that each case has one outcome. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/compileall/look_ahead.h"
#include "tests/unit/check.h"

#define COUNT 40

/* A name is its index as text; an even one is up to date. */
struct names {
    char text[COUNT][8];
};

/* What the thread has done. */
struct checks {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool checked[COUNT];
    size_t begun, done, allowed;
};

static const char *name_of(const void *names, size_t index) {
    return ((const struct names *)names)->text[index];
}

static bool check(int dir_fd, const char *name, void *context) {
    struct checks *checks = context;
    size_t index = (size_t)atoi(name);
    assert_int_equal(dir_fd, 7);
    pthread_mutex_lock(&checks->lock);
    checks->begun++;
    pthread_cond_broadcast(&checks->changed);
    while (checks->done == checks->allowed)
        pthread_cond_wait(&checks->changed, &checks->lock);
    checks->checked[index] = true;
    checks->done++;
    pthread_cond_broadcast(&checks->changed);
    pthread_mutex_unlock(&checks->lock);
    return index % 2 == 0;
}

/* Lets the thread check so many names in all, and waits until it has. */
static void allow(struct checks *checks, size_t count) {
    pthread_mutex_lock(&checks->lock);
    checks->allowed = count;
    pthread_cond_broadcast(&checks->changed);
    while (checks->done < count)
        pthread_cond_wait(&checks->changed, &checks->lock);
    pthread_mutex_unlock(&checks->lock);
}

/* Waits until the thread has begun so many checks in all. */
static void await_begun(struct checks *checks, size_t count) {
    pthread_mutex_lock(&checks->lock);
    while (checks->begun < count)
        pthread_cond_wait(&checks->changed, &checks->lock);
    pthread_mutex_unlock(&checks->lock);
}

static void folder_init(struct look_ahead_folder *folder, struct names *names, size_t count) {
    for (size_t i = 0; i < COUNT; i++)
        snprintf(names->text[i], sizeof names->text[i], "%zu", i);
    *folder = (struct look_ahead_folder){.dir_fd = 7, .count = count, .name = name_of, .names = names};
}

/* Waits until a verdict has been stored, which is after the check. */
static void await_current(struct look_ahead_folder *folder, size_t index) {
    while (!folder->current[index])
        sched_yield();
}

static void test_from_the_end(void **state) {
    struct checks checks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, 0, 0, 0};
    struct names names;
    struct look_ahead_folder folder;
    struct look_ahead *ahead = look_ahead_new(check, &checks);
    folder_init(&folder, &names, COUNT);
    look_ahead_begin(ahead, &folder);
    if (folder.current == NULL)
        skip();                                      /* there is no memory for a thread */
    assert_false(look_ahead_is_current(&folder, 0)); /* even, but nobody has looked */
    allow(&checks, 4);
    await_current(&folder, 36);
    await_begun(&checks, 5); /* 35 */
    assert_true(folder.current[38]);
    assert_false(folder.current[39]);
    assert_false(checks.checked[35]);
    assert_true(look_ahead_is_current(&folder, 38)); /* the caller has come to 39: the thread stops */
    allow(&checks, 5);                               /* the one that it had begun */
    look_ahead_end(ahead, &folder);
    assert_int_equal(checks.done, 5);
    assert_null(folder.current);
    look_ahead_free(ahead);
}

/* A folder within a folder goes first; then the outer one goes on. */
static void test_another_folder(void **state) {
    struct checks checks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, 0, 0, 0};
    struct names names;
    struct look_ahead_folder outer, inner;
    struct look_ahead *ahead = look_ahead_new(check, &checks);
    folder_init(&outer, &names, COUNT);
    folder_init(&inner, &names, COUNT - 10);
    look_ahead_begin(ahead, &outer);
    if (outer.current == NULL)
        skip();
    allow(&checks, 2); /* 39, 38 */
    await_begun(&checks, 3);
    look_ahead_begin(ahead, &inner);
    allow(&checks, 5); /* 37 is finished; then 29, 28 */
    await_current(&inner, 28);
    assert_true(outer.current[38]);
    assert_false(checks.checked[36]);
    allow(&checks, 33); /* the rest of the inner one */
    look_ahead_end(ahead, &inner);
    look_ahead_begin(ahead, &outer);
    allow(&checks, 34);
    await_current(&outer, 36);
    await_begun(&checks, 35);
    look_ahead_is_current(&outer, 38); /* the thread stops after the one that it has begun */
    allow(&checks, 35);
    look_ahead_end(ahead, &outer);
    look_ahead_free(ahead);
}

/* Few names are not worth a thread. */
static void test_small_folder(void **state) {
    struct checks checks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, 0, 0, COUNT};
    struct names names;
    struct look_ahead_folder folder;
    struct look_ahead *ahead = look_ahead_new(check, &checks);
    folder_init(&folder, &names, 3);
    look_ahead_begin(ahead, &folder);
    assert_null(folder.current);
    assert_false(look_ahead_is_current(&folder, 2));
    look_ahead_end(ahead, &folder);
    look_ahead_free(ahead);
    assert_int_equal(checks.done, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_the_end),
        cmocka_unit_test(test_another_folder),
        cmocka_unit_test(test_small_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
