/* One entry a name; looked up by uv_queue_work(). */
#include "daemon/pool/interpreters.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/python_search.h"
#include "base/python_version.h"

/* Names that are remembered; the one that was used least recently is forgotten first. */
#define NAMES_MAX 64

/* Names that are looked up at the same time: fewer than libuv has threads, as a file system may hang. */
#define LOOKING_MAX 2

/* Time for which a name stands for what was found. */
#define NAME_FRESH_MS 1000

/* The same for a version: to look for it takes longer, and a host notices by itself that its interpreter is replaced.
 */
#define SEARCH_FRESH_MS 60000

struct interpreter_name {
    struct list link; /* in interpreters->names */
    struct interpreters *interpreters;
    char *text;
    struct pool *pool; /* that it stands for, or NULL */
    char *path;        /* the pool's, when it was found: the pool may have become another interpreter's */
    uint64_t found_ms; /* when it was found to */
    struct list jobs;  /* JOB_UNPLACED */
    bool looking;
    uv_work_t work;
    struct interpreter_file file; /* the result of the work */
    char *why;                    /* or the reason why there is none */
};

static void interpreters_look(struct interpreters *interpreters);

void interpreters_init(struct interpreters *interpreters, struct pools *pools, struct census *census, uv_loop_t *loop) {
    *interpreters = (struct interpreters){
        .pools = pools, .census = census, .loop = loop, .drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    list_init(&interpreters->names);
}

static void name_free(struct interpreter_name *name) {
    list_remove(&name->link);
    name->interpreters->name_count--;
    interpreter_file_deinit(&name->file);
    free(name->why);
    free(name->text);
    free(name->path);
    free(name);
}

void interpreters_deinit(struct interpreters *interpreters) {
    if (interpreters->drain_fd >= 0)
        close(interpreters->drain_fd);
    while (!list_empty(&interpreters->names))
        name_free(list_entry(interpreters->names.next, struct interpreter_name, link));
}

static bool name_is_fresh(const struct interpreter_name *name) {
    uint64_t fresh_ms = *name->text == '/' ? NAME_FRESH_MS : SEARCH_FRESH_MS;
    return name->pool != NULL && strcmp(name->pool->file.path, name->path) == 0 &&
           uv_now(name->interpreters->loop) - name->found_ms < fresh_ms;
}

/* Forgets the name that was used least recently and that nobody waits for. */
static void interpreters_forget_one(struct interpreters *interpreters) {
    list_each(link, &interpreters->names) {
        struct interpreter_name *name = list_entry(link, struct interpreter_name, link);
        if (!name->looking && list_empty(&name->jobs)) {
            name_free(name);
            return;
        }
    }
}

/* The entry of that name, which is made if there is none, as the one that was used last. */
static struct interpreter_name *interpreters_name(struct interpreters *interpreters, const char *text) {
    struct interpreter_name *name = NULL;
    list_each(link, &interpreters->names) {
        struct interpreter_name *known = list_entry(link, struct interpreter_name, link);
        if (strcmp(known->text, text) == 0)
            name = known;
    }
    if (name == NULL) {
        if (interpreters->name_count >= NAMES_MAX)
            interpreters_forget_one(interpreters);
        name = xcalloc(1, sizeof *name);
        name->interpreters = interpreters;
        name->text = xstrdup(text);
        name->work.data = name;
        list_init(&name->jobs);
        interpreters->name_count++;
    } else {
        list_remove(&name->link);
    }
    list_append(&interpreters->names, &name->link);
    return name;
}

static struct job *name_pop(struct interpreter_name *name) {
    if (list_empty(&name->jobs))
        return NULL;
    struct job *job = list_entry(name->jobs.next, struct job, link);
    list_remove(&job->link);
    return job;
}

static void name_fail(struct interpreter_name *name, const char *reason, bool retryable) {
    struct job *job;
    while ((job = name_pop(name)) != NULL)
        job_finish_unavailable(job, reason, retryable);
}

/* How many interpreters that were named at run time the client has open requests for. */
static unsigned client_interpreters(const struct connection *client) {
    const struct pool *seen[CLIENT_INTERPRETERS_MAX];
    unsigned count = 0;
    list_each(link, &client->requests) {
        const struct job *job = job_of_attachment(list_entry(link, struct attachment, link));
        bool counts = job->pool != NULL && job->pool->file.path != NULL;
        for (unsigned i = 0; counts && i < count; i++)
            counts = seen[i] != job->pool;
        if (counts)
            seen[count++] = job->pool;
        if (count == CLIENT_INTERPRETERS_MAX)
            break;
    }
    return count;
}

/* Refuses the jobs of clients that use too many interpreters already. */
static void name_refuse_greedy(struct interpreter_name *name) {
    static const char reason[] =
        "this connection uses as many interpreters as it may at once: ask again when some are done";
    for (struct list *link = name->jobs.next, *next; link != &name->jobs; link = next) {
        struct job *job = list_entry(link, struct job, link);
        next = link->next;
        if (job->client != NULL && client_interpreters(job->client) >= CLIENT_INTERPRETERS_MAX) {
            list_remove(&job->link);
            job_finish_unavailable(job, reason, true);
            next = name->jobs.next; /* the answer may have closed the connection, and taken other jobs with it */
        }
    }
}

static void name_place(struct interpreter_name *name) {
    struct interpreters *interpreters = name->interpreters;
    struct job *job;
    if (!pools_has_interpreter(interpreters->pools, name->file.path))
        name_refuse_greedy(name);
    if (list_empty(&name->jobs)) { /* those who asked are gone */
        interpreter_file_deinit(&name->file);
        return;
    }
    name->pool = pools_take_interpreter(interpreters->pools, &name->file);
    if (name->pool == NULL) {
        name_fail(name, "all places for interpreters are in use: ask again later", true);
        interpreter_file_deinit(&name->file);
        return;
    }
    free(name->path);
    name->path = xstrdup(name->pool->file.path);
    name->found_ms = uv_now(interpreters->loop);
    struct pool *pool = name->pool;
    while ((job = name_pop(name)) != NULL) {
        job->pool = pool;
        job->awaited = NULL;
        pool_submit(pool, job);
    }
}

static void name_on_found(uv_work_t *work, int status) {
    struct interpreter_name *name = work->data;
    struct interpreters *interpreters = name->interpreters;
    char *why = name->why;
    name->why = NULL;
    name->looking = false;
    interpreters->looking--;
    name->pool = NULL;
    if (status < 0)
        name_fail(name, uv_strerror(status), true);
    else if (why == NULL)
        name_place(name);
    else {
        char *reason = xasprintf("no host for this Python: %s", why);
        name_fail(name, reason, false);
        free(reason);
    }
    free(why);
    interpreters_look(interpreters);
}

/* In a thread: the interpreter of a version; the caller frees. NULL with a reason where there is none. */
static char *name_search(struct interpreter_name *name) {
    struct python_version version;
    char *release = python_version_release(name->text), *found = NULL;
    if (python_version_parse(name->text, &version))
        found = python_search_find_until(&version, release, name->interpreters->drain_fd);
    if (found == NULL)
        name->why = xasprintf(
            "no interpreter of Python %s is found in PATH, pyenv, uv, conda or the list of pycompilectl python",
            name->text);
    free(release);
    return found;
}

/* In a thread. */
static void name_find(uv_work_t *work) {
    struct interpreter_name *name = work->data;
    char *searched = *name->text != '/' ? name_search(name) : NULL;
    if (*name->text == '/' || searched != NULL)
        (void)interpreter_file_find(searched ? searched : name->text, &name->file, &name->why);
    free(searched);
}

/* Has the names looked up that jobs wait for. */
static void interpreters_look(struct interpreters *interpreters) {
    list_each(link, &interpreters->names) {
        struct interpreter_name *name = list_entry(link, struct interpreter_name, link);
        if (interpreters->looking >= LOOKING_MAX)
            return;
        if (name->looking || list_empty(&name->jobs))
            continue;
        name->looking = uv_queue_work(interpreters->loop, &name->work, name_find, name_on_found) == 0;
        interpreters->looking += name->looking;
    }
}

/* Whether the text is X.Y or X.Y.Z, of a version that interpreters can be served of. */
static bool interpreters_may_search(const struct interpreters *interpreters, const char *python) {
    struct python_version version;
    char *release = python_version_release(python);
    bool is_version = python_version_exact(python, &version) || (release != NULL && strcmp(release, python) == 0);
    free(release);
    return is_version && python_version_parse(python, &version) &&
           host_programs_has_object(&interpreters->pools->programs, &version);
}

char *interpreters_refuse(const struct interpreters *interpreters, const char *python) {
    if (pools_find(interpreters->pools, python) != NULL)
        return NULL;
    if (python == NULL || (*python != '/' && !interpreters_may_search(interpreters, python)))
        return pools_missing_reason(interpreters->pools, python);
    if (interpreters->pools->programs.launcher == NULL)
        return xstrdup("this installation has no pycompile-host beside the daemon: it serves no interpreters by path");
    if (strlen(python) >= PATH_MAX)
        return xstrdup("the path of the interpreter is too long");
    return NULL;
}

struct job *interpreters_new_job(struct interpreters *interpreters, const char *python, struct connection *client,
                                 struct return_address *address, enum job_kind kind, struct json_span params) {
    struct pool *pool = pools_find(interpreters->pools, python);
    if (pool != NULL)
        return pool_new_job(pool, client, address, kind, params);
    struct interpreter_name *name = interpreters_name(interpreters, python);
    if (name_is_fresh(name) && list_empty(&name->jobs))
        return pool_new_job(name->pool, client, address, kind, params);
    struct job *job = pool_new_unplaced_job(interpreters->census, client, address, kind, params);
    job->awaited = name;
    list_append(&name->jobs, &job->link);
    return job;
}

void interpreters_submit(struct interpreters *interpreters, struct job *job) {
    if (job->pool != NULL)
        pool_submit(job->pool, job);
    else
        interpreters_look(interpreters);
}

void interpreters_drain(struct interpreters *interpreters) {
    if (interpreters->drain_fd >= 0)
        (void)eventfd_write(interpreters->drain_fd, 1); /* fails only where it is readable already */
    list_each(link, &interpreters->names)
        name_fail(list_entry(link, struct interpreter_name, link), "the daemon is shutting down", true);
}
