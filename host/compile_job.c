/* The order of the steps is that of Lib/py_compile.py: compile(). */
#include "host/compile_job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pyc_path.h"
#include "cache/key.h"
#include "host/client_places.h"
#include "host/job_cache.h"
#include "host/python_release.h"
#include "host/ranges.h"
#include "host/source_hash.h"
#include "proto/rpc.h"

/* SipHash rounds of the hash in the header. */
#define SOURCE_HASH_ROUNDS (PY_VERSION_HEX >= 0x030B0000 ? 1 : 2)

static long elapsed_us(const struct compile_job *job) {
    return (long)(clock_us() - job->started_us);
}

void compile_job_init(struct compile_job *job, const struct job_setting *setting,
                      const struct compile_request *request) {
    *job = (struct compile_job){.setting = setting, .request = request, .dir_fd = AT_FDCWD, .started_us = clock_us()};
    job->cache = (struct job_cache){
        .request = request, .dir_fd = AT_FDCWD, .source = &job->source, .may_ask = setting->may_ask_cache};
}

void compile_job_deinit(struct compile_job *job) {
    job_cache_forget(&job->cache);
    if (job->dir_fd >= 0)
        close(job->dir_fd);
    source_file_deinit(&job->source);
    pyc_failure_deinit(&job->failure);
    free(job->cfile);
    free(job->path);
    free(job->not_free);
}

/* Notes a failure that is answered once there is an interpreter to word it. Returns false. */
static bool note_failure(struct compile_job *job, int error, const char *path) {
    job->failure = (struct pyc_failure){.error = error, .path = xstrdup(path)};
    return false;
}

static bool has_failed(const struct compile_job *job) {
    return job->not_free != NULL || job->failure.path != NULL;
}

static bool open_folder(struct compile_job *job) {
    const char *cwd = job->request->cwd;
    if (cwd == NULL)
        return true;
    job->dir_fd = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return job->dir_fd >= 0 || note_failure(job, errno, cwd);
}

/* Retryable: the folder may have been replaced by another one after the client had looked at it. */
static void answer_foreign(struct answer *answer, const char *path) {
    char *reason =
        xasprintf("the daemon is in another mount namespace or root than the client, and sees another folder "
                  "as '%s'; set PYCOMPILED_SOCKET to use a daemon of your own",
                  path);
    answer_error(answer, RPC_UNAVAILABLE, reason, rpc_foreign_data(reason));
    free(reason);
}

/* Opens the folder where relative paths start, and checks that the client means by its paths what this process means.
 * If not, *answer says so, or a failure was noted. */
static bool find_folders(struct compile_job *job, struct answer *answer) {
    bool opened = open_folder(job);
    bool has_places = job->request->places != NULL && job->request->places->child != NULL;
    const char *foreign = opened ? client_places_foreign(job->request->places, job->dir_fd, job->request->cwd) : NULL;
    if (!opened && has_places && job->failure.error == ENOENT) { /* the client is in it */
        pyc_failure_deinit(&job->failure);
        foreign = job->request->cwd;
    }
    if (foreign != NULL)
        answer_foreign(answer, foreign);
    return opened && foreign == NULL;
}

/* Makes that folder the process's working directory, where the process may have one of its own. */
static void enter_folder(const struct compile_job *job) {
    if (job->setting->may_chdir && job->dir_fd >= 0 && fchdir(job->dir_fd) < 0) {
        /* A folder that may not be entered: nothing in it can be opened either. */
    }
}

static char *decide_cfile(const struct compile_job *job) {
    const struct compile_request *request = job->request;
    if (request->cfile != NULL)
        return xstrdup(request->cfile);
    if (request->legacy)
        return pyc_path_legacy(request->file);
    return pyc_path(request->file, python_cache_tag(), request->optimize, request->pycache_prefix, request->cwd,
                    PY_VERSION_HEX >= 0x030C0000);
}

static bool check_place(struct compile_job *job) {
    const char *rest;
    switch (pyc_file_place(job->dir_fd, job->cfile)) {
    case PYC_PLACE_SYMLINK:
        rest = "is a symlink and will be changed into a regular file if import writes a byte-compiled file to it";
        break;
    case PYC_PLACE_NOT_REGULAR:
        rest = "is a non-regular file and will be changed into a regular one if import writes a byte-compiled file "
               "to it";
        break;
    default:
        return true;
    }
    job->not_free = xasprintf("%s %s", job->cfile, rest);
    return false;
}

static size_t source_max(const struct compile_job *job) {
    return job->setting->source_max > 0 ? job->setting->source_max : SIZE_MAX - 1;
}

static void answer_needs_own_host(struct answer *answer) {
    answer_error(answer, RPC_NEEDS_OWN_HOST, "a host of its own is needed", NULL);
}

/* Reads a source that the client has read and holds for this. Its bytes are in the request or in a copy. Returns 0 or a
 * negative errno value. */
static int read_held_source(struct compile_job *job) {
    const struct compile_request *request = job->request;
    if (request->source != NULL)
        return source_file_stat(&job->source, job->dir_fd, request->source_file);
    int error = source_file_read(&job->source, job->dir_fd, request->source_copy, source_max(job));
    struct source_file origin;
    if (error == 0)
        error = source_file_stat(&origin, job->dir_fd, request->source_file);
    if (error == 0)
        job->source.stat = origin.stat;
    return error;
}

static bool is_held(const struct compile_request *request) {
    return request->source_file != NULL && (request->source != NULL || request->source_copy != NULL);
}

/* Returns whether the source was read. If not, a failure was noted, or *answer sends the job to a solo host. */
static bool read_source(struct compile_job *job, struct answer *answer) {
    int error = is_held(job->request)
                    ? read_held_source(job)
                    : source_file_read(&job->source, job->dir_fd, job->request->file, source_max(job));
    job->cache.dir_fd = job->dir_fd;
    if (error == -EFBIG && !job->setting->solo) {
        answer_needs_own_host(answer);
        return false;
    }
    return error == 0 || note_failure(job, error == -EFBIG ? ENOMEM : -error, job->request->file);
}

/* Whether the request's text, if it has one, may be compiled in this host. If not, *answer says so. */
static bool text_fits(const struct compile_job *job, struct answer *answer) {
    if (job->request->source == NULL || job->setting->solo || strlen(job->request->source) <= source_max(job))
        return true;
    answer_needs_own_host(answer);
    return false;
}

/* The bytes to compile: the request's text stands in for the file's. */
static const char *source_bytes(const struct compile_job *job, size_t *len) {
    if (job->request->source == NULL) {
        *len = job->source.data.len;
        return job->source.data.len ? job->source.data.data : "";
    }
    *len = strlen(job->request->source);
    return job->request->source;
}

static struct pyc_header make_header(const struct compile_job *job) {
    enum invalidation_mode mode = compile_request_mode(job->request);
    if (mode == INVALIDATION_TIMESTAMP)
        return pyc_header_timestamp(HOST_PYTHON_MAGIC, &job->source.stat);
    size_t len;
    const char *data = source_bytes(job, &len);
    uint64_t hash = source_hash(HOST_PYTHON_MAGIC, SOURCE_HASH_ROUNDS, data, len);
    return (struct pyc_header){
        .magic = HOST_PYTHON_MAGIC,
        .flags = PYC_FLAG_HASH | (mode == INVALIDATION_CHECKED_HASH ? PYC_FLAG_CHECK_SOURCE : 0),
        .words = {(uint32_t)hash, (uint32_t)(hash >> 32)},
    };
}

/* Whether the .pyc is current by its own header: by time and size, or by hash. An unchecked hash counts like a checked
 * one. */
static bool is_up_to_date(const struct compile_job *job) {
    struct pyc_header found;
    return pyc_header_read(job->dir_fd, job->cfile, &found) && pyc_header_equal(&found, &job->header);
}

static mode_t mask_of(const struct compile_job *job) {
    return job->request->umask >= 0 ? (mode_t)job->request->umask : job->setting->mask;
}

static bool write_pyc(struct compile_job *job, const char *code, size_t len) {
    mode_t known = job->source.stat.st_mode;
    mode_t mode = job->request->source == NULL || known != 0 ? known | 0200 : 0666;
    return pyc_file_write(job->dir_fd, job->cfile, &job->header, code, len, mode, mask_of(job), job->setting->unique,
                          &job->failure) == 0;
}

/* Takes the warnings. */
static void answer_success(const struct compile_job *job, const char *outcome, cJSON *warnings, struct answer *answer) {
    answer_result(answer, job->request->write ? job->cfile : NULL, outcome, warnings, elapsed_us(job));
}

/* Finds the place and reads the source. Returns whether the job goes on. If not, a failure was noted, or *answer is
 * made. */
static bool prepare(struct compile_job *job, struct answer *answer) {
    if (!find_folders(job, answer))
        return false;
    if (!job->request->write)
        return text_fits(job, answer) && (job->request->source != NULL || read_source(job, answer));
    job->cfile = decide_cfile(job);
    if (!check_place(job) || !text_fits(job, answer) || !read_source(job, answer))
        return false;
    job->header = make_header(job);
    return true;
}

/* Takes the data. */
static void answer_kept_error(struct answer *answer, cJSON *data) {
    cJSON_AddTrueToObject(data, "cached");
    answer_error(answer, RPC_PY_COMPILE_ERROR, "PyCompileError", data);
}

/* Writes what the cache has; takes code and JSON. Where the file cannot be written the error goes with the warnings
 * that compiling gives, so that case is left to compile_job_finish(). */
static bool answer_from_cache(struct compile_job *job, enum entry_kind kind, struct buffer *code, cJSON *json,
                              struct answer *answer) {
    bool done = kind == ENTRY_ERROR || (kind == ENTRY_CODE && write_pyc(job, code->data, code->len));
    if (kind == ENTRY_ERROR) {
        answer_kept_error(answer, json);
    } else if (done) {
        answer_success(job, "cached", json, answer);
    } else {
        pyc_failure_deinit(&job->failure);
        cJSON_Delete(json);
    }
    buffer_deinit(code);
    return done;
}

bool compile_job_begin(struct compile_job *job, struct answer *answer) {
    struct buffer code = {0};
    cJSON *json;
    if (!prepare(job, answer))
        return !has_failed(job);
    if (!job->request->write)
        return false;
    if (!job->request->force && is_up_to_date(job)) {
        answer_success(job, "up-to-date", NULL, answer);
        return true;
    }
    enum entry_kind kind = job_cache_ask(&job->cache, &code, &json);
    return answer_from_cache(job, kind, &code, json, answer);
}

bool compile_job_is_waiting(const struct compile_job *job) {
    return job_cache_is_waiting(&job->cache);
}

bool compile_job_resume(struct compile_job *job, struct answer *answer) {
    struct buffer code = {0};
    cJSON *json;
    if (has_failed(job)) /* nothing was asked */
        return false;
    enum entry_kind kind = job_cache_take(&job->cache, &code, &json);
    return answer_from_cache(job, kind, &code, json, answer);
}

/* A failure of writing comes after the compiler's warnings. Takes them. */
static void answer_write_failure(const struct compile_job *job, cJSON *warnings, struct answer *answer) {
    answer_os_error(answer, job->failure.error, job->failure.path, job->failure.target);
    answer_add_warnings(answer, warnings);
}

/* py_compile makes the folder before it marshals, and lets marshal's exception through. */
static void answer_unmarshallable(struct compile_job *job, const struct compile_output *output, struct answer *answer) {
    if (pyc_file_make_folder(job->dir_fd, job->cfile, mask_of(job), &job->failure) < 0)
        answer_write_failure(job, answer_warnings(output->warnings.list), answer);
    else
        answer_other_error(answer, output->exception, output->warnings.list);
}

/* A MemoryError may be due to the other jobs of this host: it counts in a solo host only. */
static bool is_memory_error(PyObject *exception) {
    return exception != NULL && PyErr_GivenExceptionMatches(exception, PyExc_MemoryError);
}

/* The name as an absolute path, where the process does not stand in the folder that it is relative to; else NULL. */
static const char *path_of(struct compile_job *job, const char *name) {
    if (job->setting->may_chdir || name[0] == '/')
        return NULL;
    if (job->path == NULL)
        job->path = xasprintf("%s/%s", job->request->cwd ? job->request->cwd : "", name);
    return job->path;
}

/* Whether reading a file named `name` once more gives the bytes of the source. */
static bool reads_again(const struct compile_job *job, const char *name) {
    const struct compile_request *request = job->request;
    return request->source == NULL && request->source_copy == NULL && S_ISREG(job->source.stat.st_mode) &&
           strcmp(name, request->file) == 0;
}

/* Whether there is no file of that name. linecache searches for a relative name in sys.path, too. */
static bool is_nowhere(const char *name) {
    struct stat st;
    return name[0] == '/' && stat(name, &st) < 0;
}

static struct compile_input make_input(struct compile_job *job) {
    const struct compile_request *request = job->request;
    const char *name = compile_request_name(request);
    struct compile_input input = {
        .is_text = request->source != NULL && request->source_file == NULL,
        .filename = name,
        .optimize = compile_request_level(request),
        .warnings = request->warnings,
        .exact_bytes = request->write,
        .is_canonical = request->canonical,
        .is_file = reads_again(job, name),
        .is_nowhere = request->dfile != NULL && is_nowhere(request->dfile),
        .path = path_of(job, name),
        .name_matters = key_name_matters(name, request->warnings),
    };
    /* A path that is too long to be opened is as good as a name that must stay. */
    input.name_matters |= input.path != NULL && strlen(input.path) >= PATH_MAX;
    input.data = source_bytes(job, &input.len);
    return input;
}

static void answer_needs_pristine(struct answer *answer, enum rpc_exact_cause cause) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "cause", cause);
    answer_error(answer, RPC_NEEDS_PRISTINE, "a pristine process is needed", data);
}

/* Compiles. Returns whether that succeeded; if not, *answer is made. */
static bool compile_source(struct compile_job *job, struct compiler *compiler, struct compile_output *output,
                           struct answer *answer) {
    struct compile_input input = make_input(job);
    enum compile_status status = compiler_run(compiler, &input, output);
    if (status != COMPILE_DONE && !job->setting->solo && is_memory_error(output->exception)) {
        answer_needs_own_host(answer);
        return false;
    }
    switch (status) {
    case COMPILE_DONE:
        return true;
    case COMPILE_FAILED:
        answer_compile_error(answer, compiler, input.filename, output->exception, output->warnings.list);
        if (output->warnings.list != NULL) /* else there was no memory for it */
            job_cache_feed_error(&job->cache, answer->data);
        return false;
    case COMPILE_UNMARSHALLABLE:
        answer_unmarshallable(job, output, answer);
        return false;
    case COMPILE_INEXACT:
        answer_needs_pristine(answer, output->cause);
        return false;
    case COMPILE_BROKEN:
        break;
    }
    answer_internal_error(answer, output->exception);
    return false;
}

static void answer_failure(const struct compile_job *job, struct answer *answer) {
    if (job->not_free != NULL)
        answer_exists_error(answer, job->not_free);
    else
        answer_os_error(answer, job->failure.error, job->failure.path, job->failure.target);
}

/* Takes the warnings. */
static void write_compiled(struct compile_job *job, const struct compile_output *output, cJSON *warnings,
                           struct answer *answer) {
    const char *code = PyBytes_AS_STRING(output->bytes);
    size_t len = (size_t)PyBytes_GET_SIZE(output->bytes);
    if (output->warnings.list != NULL) /* else there was no memory for it */
        job_cache_feed(&job->cache, code, len, warnings);
    if (write_pyc(job, code, len))
        answer_success(job, "compiled", warnings, answer);
    else
        answer_write_failure(job, warnings, answer);
}

static void compile_and_write(struct compile_job *job, struct compiler *compiler, struct answer *answer) {
    struct compile_output output = {0};
    if (compile_source(job, compiler, &output, answer)) {
        cJSON *warnings = answer_warnings(output.warnings.list);
        if (job->request->write)
            write_compiled(job, &output, warnings, answer);
        else
            answer_success(job, "checked", warnings, answer);
    }
    compile_output_deinit(&output);
}

/* The unit of the columns in the answer's error. If that is not clear, the text is compiled once more, under a name
 * that no file has. */
static enum position_encoding find_unit(struct compile_job *job, struct compiler *compiler,
                                        const struct answer *answer) {
    struct compile_input input = make_input(job);
    struct compile_output output;
    struct answer again = {0};
    if (!ranges_are_ambiguous(answer, input.data, input.len) || faccessat(job->dir_fd, input.filename, R_OK, 0) < 0)
        return ranges_unit(answer);
    input.filename = COMPILER_NO_FILE;
    input.path = NULL;
    input.exact_bytes = false;
    if (compiler_run(compiler, &input, &output) == COMPILE_FAILED)
        answer_compile_error(&again, compiler, input.filename, output.exception, NULL);
    enum position_encoding unit = ranges_unit(&again);
    answer_deinit(&again);
    compile_output_deinit(&output);
    return unit;
}

void compile_job_finish(struct compile_job *job, struct compiler *compiler, struct answer *answer) {
    enter_folder(job);
    if (has_failed(job)) {
        answer_failure(job, answer);
        return;
    }
    compile_and_write(job, compiler, answer);
    if (job->request->source != NULL && job->request->source_file == NULL)
        ranges_add(answer, job->request->source, strlen(job->request->source), compile_request_name(job->request),
                   find_unit(job, compiler, answer));
}

void compile_job_clean(const struct job_setting *setting, const struct compile_request *request) {
    struct compile_job job;
    compile_job_init(&job, setting, request);
    if (open_folder(&job)) {
        job.cfile = decide_cfile(&job);
        pyc_file_discard(job.dir_fd, job.cfile, setting->unique);
    }
    compile_job_deinit(&job);
}
