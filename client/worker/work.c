/* One list of jobs, one of the sources that the server has. */
#include "client/worker/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/report.h"
#include "client/stderr_text.h"
#include "client/worker/leftovers.h"
#include "client/worker/precompile.h"
#include "client/worker/served_magic.h"
#include "proto/compile_request.h"

#define PROG "pycompile-worker"

/* Sources that the server has for each core. More would not make it faster, and could not be cancelled. */
#define ASKED_PER_CORE 4
/* How often a source is given to a server that dies. */
#define ATTEMPTS_MAX 3

struct work_job {
    struct list link; /* in work->jobs */
    int32_t id;
    char *folder; /* where paths start from, or NULL */
    struct precompile arguments;
    struct work_source *sources; /* one for each of arguments.sources */
    size_t next;                 /* the first source that was not given to the server */
    size_t asked;                /* sources that the server has */
    bool cancelled;
};

/* The state of a source. */
struct work_source {
    struct list link; /* in work->asked, while the server has it */
    struct work_job *job;
    int64_t id; /* of the request to the server */
    unsigned attempts;
    struct buffer said;
    bool failed;
};

int work_init(struct work *work) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *work = (struct work){.cwd = getcwd(NULL, 0), .asked_max = ASKED_PER_CORE * (cores > 0 ? (size_t)cores : 1)};
    list_init(&work->jobs);
    list_init(&work->asked);
    return work->cwd != NULL ? 0 : -errno;
}

static void work_job_free(struct work *work, struct work_job *job) {
    for (size_t i = 0; i < job->arguments.count; i++)
        buffer_deinit(&job->sources[i].said);
    list_remove(&job->link);
    work->job_count--;
    precompile_deinit(&job->arguments);
    free(job->sources);
    free(job->folder);
    free(job);
}

void work_deinit(struct work *work) {
    own_server_close(&work->server);
    while (!list_empty(&work->jobs))
        work_job_free(work, list_entry(work->jobs.next, struct work_job, link));
    free(work->cwd);
}

/* Answers a request that is no work. */
static void work_refuse(struct work *work, int32_t id, const char *why) {
    char *text = xasprintf(PROG ": error: %s\n", why);
    struct buffer shown = {0};
    stderr_text_append(&shown, text);
    work->answer(&(struct work_response){.exit_code = 2, .output = buffer_string(&shown), .id = id}, work->context);
    buffer_deinit(&shown);
    free(text);
}

static void work_job_answer(struct work *work, struct work_job *job) {
    struct buffer output = {0};
    struct work_response response = {.id = job->id, .was_cancelled = job->cancelled};
    for (size_t i = 0; i < job->arguments.count; i++) {
        buffer_append(&output, job->sources[i].said.data, job->sources[i].said.len);
        response.exit_code |= job->sources[i].failed;
    }
    response.output = buffer_string(&output);
    work->answer(&response, work->context);
    buffer_deinit(&output);
    work_job_free(work, job);
}

/* Answers the job if nothing of it is left to be done. */
static void work_job_settle(struct work *work, struct work_job *job) {
    if (job->asked == 0 && (job->cancelled || job->next == job->arguments.count))
        work_job_answer(work, job);
}

static void work_cancel(struct work *work, int32_t id) {
    list_each(link, &work->jobs) {
        struct work_job *job = list_entry(link, struct work_job, link);
        if (job->id != id)
            continue;
        job->cancelled = job->next < job->arguments.count; /* else all is with the server, and becomes whole */
        work_job_settle(work, job);
        return;
    }
}

/* The default arguments, and those of the request. The caller frees the array alone. */
static char **work_join(const struct work *work, const struct work_request *request, size_t *count) {
    *count = work->default_count + request->argument_count;
    char **arguments = xcalloc(*count + 1, sizeof *arguments);
    for (size_t i = 0; i < *count; i++)
        arguments[i] = i < work->default_count ? work->defaults[i] : request->arguments[i - work->default_count];
    return arguments;
}

void work_take(struct work *work, const struct work_request *request) {
    if (request->cancel) {
        work_cancel(work, request->id);
        return;
    }
    struct work_job *job = xcalloc(1, sizeof *job);
    job->id = request->id;
    job->folder = request->sandbox_dir ? xstrdup(request->sandbox_dir) : NULL;
    list_append(&work->jobs, &job->link);
    work->job_count++;
    size_t count;
    char **arguments = work_join(work, request, &count);
    char *why = precompile_parse(&job->arguments, arguments, count, job->folder);
    free(arguments);
    job->sources = xcalloc(job->arguments.count + 1, sizeof *job->sources);
    if (why == NULL)
        why = served_magic_choose(job->arguments.magic, &job->arguments.python);
    if (why == NULL)
        return;
    work_refuse(work, job->id, why);
    free(why);
    work_job_free(work, job);
}

/* Takes what was said about a source: it is done. */
static void work_source_end(struct work *work, struct work_source *source, struct json_span text, bool failed) {
    struct work_job *job = source->job;
    struct report report;
    report_init(&report, PROG, NULL);
    report.keep_going = true;
    report_take(&report, job->arguments.sources[source - job->sources].name, text, failed);
    source->said = report.err;
    report.err = (struct buffer){0};
    source->failed = failed;
    report_deinit(&report);
    job->asked--;
    work_job_settle(work, job);
}

/* The source could not be compiled, for a reason that is not its own. */
static void work_source_give_up(struct work *work, struct work_source *source, const char *why) {
    struct buffer text = {0};
    buffer_append_string(&text, "{\"message\":");
    json_print_string(why, &text);
    buffer_append_char(&text, '}');
    work_source_end(work, source, (struct json_span){text.data, text.len}, true);
    buffer_deinit(&text);
}

static void work_source_ask(struct work *work, struct work_source *source) {
    const struct work_job *job = source->job;
    const struct precompile_source *paths = &job->arguments.sources[source - job->sources];
    struct compile_request request;
    struct buffer params = {0};
    char *file = precompile_path(job->folder, paths->src), *pyc = precompile_path(job->folder, paths->pyc);
    compile_request_init(&request);
    request.file = file;
    request.cfile = pyc;
    request.dfile = paths->name;
    request.cwd = work->cwd;
    request.optimize = job->arguments.optimize;
    request.invalidation_mode = job->arguments.invalidation_mode;
    request.python = job->arguments.python;
    cJSON *tree = compile_request_encode(&request);
    json_print(tree, &params);
    cJSON_Delete(tree);
    source->id = ++work->last_id;
    source->attempts++;
    list_append(&work->asked, &source->link);
    work->asked_count++;
    rpc_client_queue(&work->server.client, source->id, "compile", &params);
    buffer_deinit(&params);
    free(file);
    free(pyc);
}

static void work_source_take_back(struct work *work, struct work_source *source) {
    list_remove(&source->link);
    work->asked_count--;
}

/* Removes what hosts of the last server, which were killed, have left beside the output. */
static void work_source_clean(const struct work *work, const struct work_source *source) {
    const struct work_job *job = source->job;
    char *pyc = precompile_path(job->folder, job->arguments.sources[source - job->sources].pyc);
    leftovers_remove(pyc, work->server.pid);
    free(pyc);
}

/* The next source that waits, or NULL. */
static struct work_source *work_next(struct work *work) {
    list_each(link, &work->jobs) {
        struct work_job *job = list_entry(link, struct work_job, link);
        if (job->cancelled || job->next == job->arguments.count)
            continue;
        struct work_source *source = &job->sources[job->next++];
        source->job = job;
        job->asked++;
        return source;
    }
    return NULL;
}

/* The server has gone, or is left: another one gets its sources. `blames` counts that as an attempt, since one of the
 * sources may have ended it. */
static void work_lose_server(struct work *work, bool blames) {
    struct list lost;
    list_init(&lost);
    own_server_close(&work->server);
    own_server_end_hosts();
    while (!list_empty(&work->asked)) {
        struct work_source *source = list_entry(work->asked.next, struct work_source, link);
        work_source_take_back(work, source);
        work_source_clean(work, source);
        source->attempts -= !blames;
        list_append(&lost, &source->link);
    }
    while (!list_empty(&lost)) {
        struct work_source *source = list_entry(lost.next, struct work_source, link);
        list_remove(&source->link);
        char *why = NULL;
        if (source->attempts >= ATTEMPTS_MAX)
            work_source_give_up(work, source,
                                "the compile server ended again and again; its messages are on standard "
                                "error");
        else if (own_server_open(&work->server, &why) < 0)
            work_source_give_up(work, source, why);
        else
            work_source_ask(work, source);
        free(why);
    }
}

void work_send(struct work *work) {
    char *why = NULL;
    while (work->asked_count < work->asked_max) {
        struct work_source *source = work_next(work);
        if (source == NULL)
            break;
        if (own_server_open(&work->server, &why) == 0) {
            work_source_ask(work, source);
            continue;
        }
        work_source_give_up(work, source, why);
        free(why);
        why = NULL;
    }
    if (work->server.is_open && rpc_client_write(&work->server.client) == RPC_STEP_CLOSED)
        work_lose_server(work, true);
}

int work_quiet_left(const struct work *work) {
    return work->server.is_open && work->asked_count > 0 ? own_server_quiet_left(&work->server) : -1;
}

void work_check(struct work *work) {
    if (work_quiet_left(work) != 0 || own_server_lives(&work->server))
        return;
    own_server_kill(&work->server);
    work_lose_server(work, true);
}

/* The source that the answer is for, or NULL. */
static struct work_source *work_find(struct work *work, int64_t id) {
    list_each(link, &work->asked) {
        struct work_source *source = list_entry(link, struct work_source, link);
        if (source->id == id)
            return source;
    }
    return NULL;
}

/* Takes an answer. Returns false if another server is to be asked: this one is leaving, or lacks what the source needs.
 * Only the source that was refused has used up an attempt then. */
static bool work_take_answer(struct work *work, const struct rpc_answer *answer) {
    bool failed = answer->error.text != NULL;
    struct work_source *source = work_find(work, answer->id);
    own_server_heard(&work->server);
    if (source == NULL)
        return true;
    if (failed && rpc_client_is_retryable(answer->error) && source->attempts < ATTEMPTS_MAX) {
        source->attempts++; /* which is taken back with those of the others */
        return false;
    }
    work_source_take_back(work, source);
    work_source_end(work, source, failed ? answer->error : answer->result, failed);
    return true;
}

void work_receive(struct work *work) {
    struct rpc_answer answer;
    enum rpc_step read = rpc_client_read(&work->server.client), step = RPC_STEP_WAIT;
    bool stays = true;
    while (stays && (step = rpc_client_next(&work->server.client, &answer)) == RPC_STEP_ANSWER)
        stays = work_take_answer(work, &answer);
    if (!stays || read == RPC_STEP_CLOSED || step == RPC_STEP_BROKEN)
        work_lose_server(work, stays);
}
