/* See compile_job.h. */
#include "daemon/host/compile_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/source_file.h"
#include "proto/pyc_path.h"
#include "proto/rpc.h"

/* The compiler does no more at a higher level; the file's name has it. */
#define OPTIMIZE_MAX 2

/* What a job holds while it runs. */
struct run {
    const struct job_setting *setting;
    const struct compile_request *request;
    struct answer *answer;
    int dir_fd; /* of the request's cwd, or AT_FDCWD where it has none and needs none */
    char *cfile;
    struct source_file source;
    struct compile_output output;
    struct timespec started;
};

static long elapsed_us(const struct run *run) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - run->started.tv_sec) * 1000000L + (now.tv_nsec - run->started.tv_nsec) / 1000;
}

/* Opens the folder that relative paths start in; with the process's own working directory there too where that
 * may be. */
static bool enter_folder(struct run *run) {
    const char *cwd = run->request->cwd;
    run->dir_fd = AT_FDCWD;
    if (cwd == NULL)
        return true;
    run->dir_fd = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (run->dir_fd < 0) {
        answer_os_error(run->answer, errno, cwd, NULL);
        return false;
    }
    if (run->setting->may_chdir && fchdir(run->dir_fd) < 0) {
        /* A folder that may not be entered: nothing in it can be opened either. */
    }
    return true;
}

static char *decide_cfile(const struct run *run) {
    const struct compile_request *request = run->request;
    if (request->cfile != NULL)
        return xstrdup(request->cfile);
    if (request->legacy)
        return pyc_path_legacy(request->file);
    return pyc_path(request->file, compiler_cache_tag(run->setting->compiler), request->optimize,
                    request->pycache_prefix, request->cwd, PY_VERSION_HEX >= 0x030C0000);
}

static bool check_place(struct run *run) {
    const char *rest;
    switch (pyc_file_place(run->dir_fd, run->cfile)) {
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
    char *text = xasprintf("%s %s", run->cfile, rest);
    answer_exists_error(run->answer, text);
    free(text);
    return false;
}

static void answer_needs_own_host(struct run *run) {
    answer_error(run->answer, RPC_NEEDS_OWN_HOST, "a host of its own is needed", NULL);
}

static size_t source_max(const struct run *run) {
    return run->setting->source_max > 0 ? run->setting->source_max : SIZE_MAX - 1;
}

static bool read_source(struct run *run) {
    int error = source_file_read(&run->source, run->dir_fd, run->request->file, source_max(run));
    if (error == EFBIG && !run->setting->solo)
        answer_needs_own_host(run);
    else if (error != 0)
        answer_os_error(run->answer, error == EFBIG ? ENOMEM : error, run->request->file, NULL);
    return error == 0;
}

/* Whether the request's text, if it has one, may be compiled here. */
static bool text_fits(struct run *run) {
    if (run->request->source == NULL || run->setting->solo || strlen(run->request->source) <= source_max(run))
        return true;
    answer_needs_own_host(run);
    return false;
}

/* The source's bytes: the request's text stands in for the file's. */
static const char *source_bytes(const struct run *run, size_t *len) {
    if (run->request->source == NULL) {
        *len = run->source.data.len;
        return run->source.data.len ? run->source.data.data : "";
    }
    *len = strlen(run->request->source);
    return run->request->source;
}

static bool make_header(struct run *run, struct pyc_header *header) {
    enum invalidation_mode mode = compile_request_mode(run->request);
    uint32_t magic = (uint32_t)PyImport_GetMagicNumber();
    if (mode == INVALIDATION_TIMESTAMP) {
        *header = pyc_header_timestamp(magic, &run->source.stat);
        return true;
    }
    *header = (struct pyc_header){.magic = magic};
    header->flags = PYC_FLAG_HASH | (mode == INVALIDATION_CHECKED_HASH ? PYC_FLAG_CHECK_SOURCE : 0);
    unsigned char hash[8];
    size_t len;
    const char *data = source_bytes(run, &len);
    if (compiler_source_hash(run->setting->compiler, data, len, hash) < 0) {
        answer_internal_error(run->answer, NULL);
        return false;
    }
    for (int i = 0; i < 8; i++)
        header->words[i / 4] |= (uint32_t)hash[i] << (8 * (i % 4));
    return true;
}

/* Whether the .pyc there is current by its own header: by time and size, or by hash; one that says that the source
 * is not to be looked at is current while its flags are what is wanted. */
static bool is_up_to_date(struct run *run, const struct pyc_header *wanted) {
    struct pyc_header found;
    return pyc_header_read(run->dir_fd, run->cfile, &found) && pyc_header_equal(&found, wanted);
}

static bool is_relative(const char *path) {
    return path[0] != '/';
}

static mode_t mask_of(const struct run *run) {
    return run->request->umask >= 0 ? (mode_t)run->request->umask : run->setting->mask;
}

/* The compiler has warned by then. */
static void answer_write_failure(struct run *run, struct pyc_failure *failure) {
    answer_os_error(run->answer, failure->error, failure->path, failure->target);
    if (run->answer->data != NULL)
        answer_add_warnings(run->answer, run->output.warnings);
    free(failure->path);
    free(failure->target);
}

/* py_compile makes the folder before it marshals, and lets marshal's exception through. */
static void answer_unmarshallable(struct run *run) {
    struct pyc_failure failure = {0};
    if (pyc_file_make_folder(run->dir_fd, run->cfile, mask_of(run), &failure) < 0)
        answer_write_failure(run, &failure);
    else
        answer_other_error(run->answer, run->output.exception, run->output.warnings);
}

/* Memory that other jobs of this host hold, or have left in pieces, is no reason to fail. */
static bool is_memory_error(PyObject *exception) {
    return exception != NULL && PyErr_GivenExceptionMatches(exception, PyExc_MemoryError);
}

/* Compiles. False where that was not to be: the answer says why. */
static bool compile_source(struct run *run) {
    const struct compile_request *request = run->request;
    const char *name = request->dfile != NULL && *request->dfile != '\0' ? request->dfile : request->file;
    struct compile_input input = {
        .is_text = request->source != NULL,
        .filename = name,
        .optimize = request->optimize < OPTIMIZE_MAX ? request->optimize : OPTIMIZE_MAX,
        .warnings = request->warnings,
        .exact_bytes = request->write,
        .exact_text = run->setting->may_chdir || !is_relative(name),
    };
    input.data = source_bytes(run, &input.len);
    enum compile_status status = compiler_run(run->setting->compiler, &input, &run->output);
    if (status != COMPILE_DONE && !run->setting->solo && is_memory_error(run->output.exception)) {
        answer_needs_own_host(run);
        return false;
    }
    switch (status) {
    case COMPILE_DONE:
        return true;
    case COMPILE_FAILED:
        answer_compile_error(run->answer, run->setting->compiler, name, run->output.exception, run->output.warnings);
        return false;
    case COMPILE_UNMARSHALLABLE:
        answer_unmarshallable(run);
        return false;
    case COMPILE_INEXACT:
        answer_error(run->answer, RPC_NEEDS_PRISTINE, "a pristine process is needed", NULL);
        return false;
    case COMPILE_BROKEN:
        break;
    }
    answer_internal_error(run->answer, run->output.exception);
    return false;
}

static bool write_pyc(struct run *run, const struct pyc_header *header) {
    struct pyc_failure failure = {0};
    mode_t mode = run->request->source == NULL || run->source.stat.st_mode != 0 ? run->source.stat.st_mode | 0200 : 0666;
    int status = pyc_file_write(run->dir_fd, run->cfile, header, PyBytes_AS_STRING(run->output.bytes),
                                (size_t)PyBytes_GET_SIZE(run->output.bytes), mode, mask_of(run), run->setting->unique, &failure);
    if (status < 0)
        answer_write_failure(run, &failure);
    return status == 0;
}

static void finish(struct run *run, const char *outcome) {
    answer_result(run->answer, run->request->write ? run->cfile : NULL, outcome, run->output.warnings, elapsed_us(run));
}

static void check_only(struct run *run) {
    if (text_fits(run) && (run->request->source != NULL || read_source(run)) && compile_source(run))
        finish(run, "checked");
}

static void compile_and_write(struct run *run) {
    struct pyc_header header;
    run->cfile = decide_cfile(run);
    if (!check_place(run) || !text_fits(run) || !read_source(run) || !make_header(run, &header))
        return;
    if (!run->request->force && is_up_to_date(run, &header)) {
        finish(run, "up-to-date");
        return;
    }
    if (compile_source(run) && write_pyc(run, &header))
        finish(run, "compiled");
}

void compile_job_run(const struct job_setting *setting, const struct compile_request *request,
                     struct answer *answer) {
    struct run run = {.setting = setting, .request = request, .answer = answer};
    clock_gettime(CLOCK_MONOTONIC, &run.started);
    if (!enter_folder(&run))
        return;
    if (request->write)
        compile_and_write(&run);
    else
        check_only(&run);
    if (run.dir_fd >= 0)
        close(run.dir_fd);
    compile_output_deinit(&run.output);
    source_file_deinit(&run.source);
    free(run.cfile);
}

void compile_job_clean(const struct job_setting *setting, const struct compile_request *request) {
    struct answer nobodys = {0};
    struct run run = {.setting = setting, .request = request, .answer = &nobodys};
    if (enter_folder(&run)) {
        run.cfile = decide_cfile(&run);
        pyc_file_discard(run.dir_fd, run.cfile, setting->unique);
        free(run.cfile);
    }
    if (run.dir_fd >= 0)
        close(run.dir_fd);
    answer_deinit(&nobodys);
}
