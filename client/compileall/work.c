/* Follows Lib/compileall.py of CPython 3.13: compile_file, compile_dir. */
#include "client/compileall/work.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/python_version.h"
#include "client/batch.h"
#include "client/compileall/item.h"
#include "client/compileall/link_limit.h"
#include "client/compileall/python_text.h"
#include "client/compileall/texts.h"
#include "client/fallback.h"
#include "client/option_check.h"
#include "client/stderr_text.h"

/* The number of candidates between two looks at the connection. */
#define LOOKS_AT_ONCE 32
/* The most bytes of output before an item. */
#define BEFORE_MAX ((size_t)32 << 10)

static bool is_source_name(const char *name) {
    size_t len = strlen(name);
    return len >= 3 && strcmp(name + len - 3, ".py") == 0;
}

/* The name for the code object, or NULL if it is the path. Prints a message if -s does not fit. */
static char *name_code(struct compileall_work *work, const struct candidate *candidate) {
    const struct compileall_options *options = work->options;
    const char *path = candidate->entry.path;
    struct code_name how = options->name;
    bool stripped;
    if (options->ddir != NULL && candidate->folder == NULL) {
        const char *slash = strrchr(path, '/');
        return python_text_join(options->ddir, slash ? slash + 1 : path);
    }
    if (options->ddir != NULL)
        how = (struct code_name){candidate->folder, options->ddir};
    char *name = code_name(&how, path, &stripped);
    if (!stripped && options->quiet < 2 && !results_is_on(&work->results))
        compileall_say_not_stripped(&work->before, how.strip, path);
    return name;
}

/* The result of a level that is not asked about, with the members of a daemon's answer. */
static void say_level_up_to_date(struct compileall_work *work, const char *path, int optimize) {
    struct buffer result = {0};
    char *cfile = up_to_date_path(&work->up_to_date, path, optimize);
    buffer_append_string(&result, "{\"cfile\":");
    json_print_string(cfile, &result);
    buffer_append_string(&result, ",\"outcome\":\"up-to-date\"");
    if (work->python_version != NULL) {
        buffer_append_string(&result, ",\"python\":");
        json_print_string(work->python_version, &result);
    }
    buffer_append_string(&result, ",\"warnings\":[],\"elapsed_us\":0}");
    struct json_span text = {result.data, result.len};
    results_add(&work->results, &(struct results_entry){path, NULL, optimize, text, false}, &work->before);
    buffer_deinit(&result);
    free(cfile);
}

static void say_up_to_date(struct compileall_work *work, const char *path) {
    for (size_t i = 0; results_is_on(&work->results) && i < work->options->optimize_count; i++)
        say_level_up_to_date(work, path, work->options->optimize[i]);
}

enum verdict { LEFT_ALONE, TO_BE_COMPILED, OPEN_ALREADY };

/* Whether the file is a source whose .pyc files are up to date, for the look ahead: in a thread of its own. */
static bool look(int dir_fd, const char *name, void *context) {
    const struct up_to_date *how = context;
    struct stat source;
    return is_source_name(name) && fstatat(dir_fd, name, &source, 0) == 0 && S_ISREG(source.st_mode) &&
           up_to_date_check(how, &(struct walk_entry){.dir_fd = dir_fd, .name = name}, &source);
}

static enum verdict judge_current(struct compileall_work *work, const char *path) {
    work->found++;
    summary_count(&work->summary, OUTCOME_UP_TO_DATE);
    say_up_to_date(work, path);
    return LEFT_ALONE;
}

/* Whether the candidate is a source to be compiled. A source that is being compiled under another name is judged
 * when that is done: it is up to date then. */
static enum verdict judge(struct compileall_work *work, const struct candidate *candidate, struct stat *source) {
    const struct compileall_options *options = work->options;
    const struct walk_entry *entry = &candidate->entry;
    if (candidate->left_out || !is_source_name(entry->name) ||
        (options->links_below != NULL && link_leads_out(options->links_below, entry)))
        return LEFT_ALONE;
    if (entry->is_current)
        return judge_current(work, entry->path);
    if (fstatat(entry->dir_fd, entry->name, source, 0) < 0 || !S_ISREG(source->st_mode))
        return LEFT_ALONE;
    struct file_id id = file_id_of(source);
    if (file_set_has(&work->open_files, &id))
        return OPEN_ALREADY;
    if (!options->force && work->looks_itself && up_to_date_check(&work->up_to_date, entry, source))
        return judge_current(work, entry->path);
    work->found++;
    return TO_BE_COMPILED;
}

/* Moves the waiting output to the item that follows it. */
static struct batch_item *fill_item(struct compileall_work *work, struct compileall_item *item, off_t size) {
    item->before = work->before;
    work->before = (struct buffer){0};
    item->item.asks = item->path != NULL && compileall_item_check_level(item, &work->output);
    item->item.weight = (uint64_t)size;
    item->item.held = item->before.len;
    return &item->item;
}

/* Returns BATCH_ITEM if the candidate became an item, BATCH_HOLD if it is held, else BATCH_LATER. */
static enum batch_next take_file(struct compileall_work *work, const struct candidate *candidate,
                                 struct batch_item **out) {
    struct stat source;
    size_t said = work->before.len;
    char *name = name_code(work, candidate);
    enum verdict verdict = judge(work, candidate, &source);
    if (verdict != TO_BE_COMPILED) {
        free(name);
        if (verdict == OPEN_ALREADY)
            work->before.len = said; /* printed again when the candidate is judged again */
        work->held = *candidate;
        work->holds = verdict == OPEN_ALREADY;
        return work->holds ? BATCH_HOLD : BATCH_LATER;
    }
    struct compileall_item *item = compileall_item_new(xstrdup(candidate->entry.path), name);
    item->source = file_id_of(&source);
    file_set_add(&work->open_files, &item->source);
    *out = fill_item(work, item, source.st_size);
    work->holds = false;
    return BATCH_ITEM;
}

static void take_folder(struct compileall_work *work, const struct candidate *candidate, bool listed) {
    const struct compileall_options *options = work->options;
    if (!listed && options->strict)
        work->status = exit_code_join(work->status, EXIT_CODE_FILES);
    if (results_is_on(&work->results))
        return;
    if (listed && options->quiet == 0)
        compileall_say_listing(&work->before, candidate->entry.path);
    else if (!listed && options->quiet < 2)
        compileall_say_unlistable(&work->before, candidate->entry.path);
}

/* Output that is left at the end, or that has become too long, is an item of its own. */
static enum batch_next say_rest(struct compileall_work *work, struct batch_item **out, enum batch_next otherwise) {
    if (work->before.len == 0)
        return otherwise;
    *out = fill_item(work, compileall_item_new(NULL, NULL), 0);
    return BATCH_ITEM;
}

static enum batch_next next(struct batch_item **out, void *context) {
    struct compileall_work *work = context;
    for (int i = 0; i < LOOKS_AT_ONCE; i++) {
        struct candidate candidate = work->held;
        enum candidates_step step = work->met_nul ? CANDIDATE_END
                                    : work->holds ? CANDIDATE_FILE
                                                  : candidates_filter_next(&work->filter, &candidate, &work->why);
        work->met_nul = work->met_nul || step == CANDIDATE_NUL;
        if (step == CANDIDATE_WAIT)
            return say_rest(work, out, BATCH_WAIT);
        work->progress.all_found = step == CANDIDATE_END || step == CANDIDATE_NUL;
        if (work->progress.all_found)
            return say_rest(work, out, BATCH_END);
        if (step != CANDIDATE_FILE) {
            take_folder(work, &candidate, step == CANDIDATE_LISTING);
            continue;
        }
        enum batch_next taken = take_file(work, &candidate, out);
        if (taken != BATCH_LATER)
            return taken;
    }
    return work->before.len > BEFORE_MAX ? say_rest(work, out, BATCH_LATER) : BATCH_LATER;
}

static void ask(struct batch_item *asked, struct buffer *params, void *context) {
    struct compileall_work *work = context;
    const struct compileall_item *item = compileall_item_of(asked);
    int level = work->options->optimize[item->level];
    compile_params_append(&work->params[item->python], item->path, item->dfile,
                          level < 0 ? work->options->shared.request.optimize : level, NULL, params);
}

static void add_timing(struct compileall_work *work, const struct compileall_item *item,
                       const struct batch_answer *answer) {
    if (answer->error.text == NULL) {
        timing_add(work->timing, item->path, answer->result, "compiled");
        return;
    }
    struct json_span data = json_member(answer->error.text, answer->error.len, "data");
    if (data.text != NULL && *data.text == '{')
        timing_add(work->timing, item->path, data, "failed");
}

/* Counts a file once that nothing more is asked about. */
static void count_item(struct compileall_work *work, struct compileall_item *item) {
    if (item->is_counted || item->path == NULL)
        return;
    item->is_counted = true;
    summary_count(&work->summary, item->outcome);
}

static bool answered(struct batch_item *asked, const struct batch_answer *answer, void *context) {
    struct compileall_work *work = context;
    struct compileall_item *item = compileall_item_of(asked);
    if (work->holds_output && !work->has_served && work->why == NULL && answer->error.text != NULL)
        work->why = fallback_reason(answer->error);
    if (work->why != NULL)
        return false;
    work->has_served = true;
    if (work->timing != NULL)
        add_timing(work, item, answer);
    bool more = compileall_item_answered(item, &work->output, answer);
    item->item.held = item->before.len + item->out.len + item->warnings.len;
    if (!more)
        count_item(work, item);
    return more;
}

/* Whether an earlier Python has given the same warnings, up to `at`. */
static bool is_told(const struct compileall_item *item, size_t at) {
    const char *text = item->warnings.data + at;
    for (size_t i = 0; i < at; i += strlen(item->warnings.data + i) + 1)
        if (strcmp(item->warnings.data + i, text) == 0)
            return true;
    return false;
}

static void show_warnings(struct compileall_work *work, const struct compileall_item *item) {
    const char *why;
    for (size_t at = 0; at < item->warnings.len; at += strlen(item->warnings.data + at) + 1) {
        if (work->output.python_count > 1 && is_told(item, at))
            continue;
        cJSON *tree = json_parse(item->warnings.data + at, strlen(item->warnings.data + at), &why);
        warnings_shown_append(&work->shown, &work->err, tree, false);
        cJSON_Delete(tree);
    }
}

static void close_item(struct compileall_work *work, struct compileall_item *item) {
    if (item->path != NULL)
        file_set_remove(&work->open_files, &item->source);
    compileall_item_free(item);
}

static void say_compiling(struct compileall_work *work, struct compileall_item *item) {
    if (!item->is_said && work->options->quiet == 0 && !results_is_on(&work->results))
        compileall_say_compiling(&work->out, item->path);
    item->is_said = true;
}

/* As compileall, names a file before it is compiled, where it is sure that it is. */
static void begin(struct batch_item *begun, void *context) {
    struct compileall_work *work = context;
    struct compileall_item *item = compileall_item_of(begun);
    buffer_append(&work->out, item->before.data, item->before.len);
    if (item->path != NULL && work->compiles_all)
        say_compiling(work, item);
}

static bool take(struct batch_item *taken, void *context) {
    struct compileall_work *work = context;
    struct compileall_item *item = compileall_item_of(taken);
    if (item->outcome != OUTCOME_UP_TO_DATE)
        say_compiling(work, item);
    buffer_append(&work->out, item->out.data, item->out.len);
    if (!results_is_on(&work->results))
        compileall_item_say_verdict(item, &work->output, &work->out);
    show_warnings(work, item);
    work->status = exit_code_join(work->status, item->status);
    if (item->status != EXIT_CODE_DONE)
        buffer_append(&work->bad, item->path, strlen(item->path) + 1);
    count_item(work, item);
    close_item(work, item);
    return work->why == NULL;
}

/* A file whose first levels were written before the end is one that was compiled. */
static void drop(struct batch_item *dropped, void *context) {
    struct compileall_work *work = context;
    struct compileall_item *item = compileall_item_of(dropped);
    if (item->outcome != OUTCOME_UP_TO_DATE)
        count_item(work, item);
    else if (item->item.in_flight)
        work->unknown++;
    close_item(work, item);
}

static bool is_woken(const struct compileall_work *work) {
    struct pollfd p = {work->link->wake_fd, POLLIN, 0};
    return poll(&p, 1, 0) > 0;
}

static bool flush(void *context) {
    struct compileall_work *work = context;
    work->progress.found = work->found;
    work->progress.done = work->summary.files;
    if (work->holds_output && !work->has_served)
        return work->why == NULL && !is_woken(work);
    results_flush(&work->results, &work->out);
    if (work->out.len > 0 || work->err.len > 0)
        progress_clear(&work->progress);
    int written = io_write_all(STDOUT_FILENO, work->out.data, work->out.len);
    (void)io_write_all(STDERR_FILENO, work->err.data, work->err.len);
    work->out.len = work->err.len = 0;
    if (written < 0) {
        work->status = EXIT_CODE_FILES;
        if (work->why == NULL)
            work->why = xstrdup("cannot write to standard output");
    }
    return work->why == NULL && !is_woken(work);
}

/* Takes the reason that ended the work. */
static int compileall_work_ended(struct compileall_work *work, char **why) {
    if (work->why == NULL)
        return 0;
    *why = work->why;
    work->why = NULL;
    return -EIO;
}

int compileall_work_release(struct compileall_work *work, char **why) {
    work->holds_output = false;
    (void)flush(work); /* whether to go on */
    return compileall_work_ended(work, why);
}

int compileall_work_end(struct compileall_work *work, const char *why, char **why_not) {
    work->summary.elapsed_ms = clock_ms() - work->progress.begin;
    work->summary.error = why == NULL && work->met_nul ? "embedded null byte in a name" : why;
    work->summary.interrupted = is_woken(work);
    results_end(&work->results, &work->summary, &work->out);
    (void)flush(work); /* whether to go on */
    return compileall_work_ended(work, why_not);
}

static const struct batch_owner batch_owner = {
    .next = next,
    .ask = ask,
    .answered = answered,
    .begin = begin,
    .take = take,
    .drop = drop,
    .flush = flush,
};

void compileall_work_init(struct compileall_work *work, const struct compileall_options *options,
                          const struct compileall_pythons *pythons, struct run_link *link) {
    const struct python_info *info = &pythons->list[0];
    struct compile_request request = options->shared.request;
    bool timestamp = compile_request_mode(&request) == INVALIDATION_TIMESTAMP;
    *work = (struct compileall_work){.options = options, .link = link};
    results_init(&work->results, options->shared.output, link->prog);
    work->output = (struct compileall_output){options, &work->results, pythons->count};
    work->filter.source = &work->candidates;
    work->python_version = info->version;
    work->looks_itself = timestamp && info->cache_tag != NULL;
    work->up_to_date = (struct up_to_date){
        .magic = info->magic,
        .cache_tag = info->cache_tag,
        .optimize = options->optimize,
        .optimize_count = options->optimize_count,
        .optimize_default = request.optimize,
        .legacy = options->legacy,
        .prefix = request.pycache_prefix,
        .cwd = request.cwd,
        .strip_dot = info->xy == NULL || python_version_is_at_least(info->xy, 3, 12),
    };
    request.force = options->force || work->looks_itself;
    work->compiles_all = request.force;
    request.trace = options->timing != NULL;
    for (size_t i = 0; i < pythons->count; i++) {
        request.python = pythons->list[i].python;
        compile_params_init(&work->params[i], &request);
    }
    progress_init(&work->progress, options->quiet < 2);
    link->progress = &work->progress;
}

void compileall_work_set_options(struct compileall_work *work, const struct compileall_options *options) {
    work->options = work->output.options = options;
    work->up_to_date.optimize = options->optimize;
    work->up_to_date.optimize_count = options->optimize_count;
    work->filter.pattern = NULL;
}

int compileall_work_check_options(struct compileall_work *work, char **why) {
    if (!option_check_is_needed(work->options->shared.request.warnings))
        return 0;
    cJSON *result = option_check(work->link, &work->options->shared.request, why);
    warnings_shown_append(&work->shown, &work->err, cJSON_GetObjectItemCaseSensitive(result, "warnings"), true);
    cJSON_Delete(result);
    return *why == NULL ? 0 : -ENOTCONN;
}

void compileall_work_deinit(struct compileall_work *work) {
    work->link->progress = NULL;
    for (size_t i = 0; i < work->output.python_count; i++)
        compile_params_deinit(&work->params[i]);
    candidates_deinit(&work->candidates);
    candidates_filter_deinit(&work->filter);
    buffer_deinit(&work->before);
    buffer_deinit(&work->bad);
    buffer_deinit(&work->out);
    buffer_deinit(&work->err);
    warnings_shown_deinit(&work->shown);
    results_deinit(&work->results);
    free(work->why);
}

/* A look ahead of its own, where it can help: the client judges, by names in the folders of the sources. */
static struct look_ahead *begin_looking(struct compileall_work *work) {
    bool helps =
        work->looks_itself && !work->options->force && work->up_to_date.prefix == NULL && work->filter.pattern == NULL;
    return helps ? look_ahead_new(look, &work->up_to_date) : NULL;
}

int compileall_work_run(struct compileall_work *work, char **why) {
    struct look_ahead *ahead = work->candidates.ahead = begin_looking(work);
    struct batch batch = {
        .link = work->link,
        .progress = &work->progress,
        .names = work->candidates.list,
        .wake_fd = work->link->wake_fd,
        .owner = &batch_owner,
        .context = work,
    };
    int result = batch_run(&batch, why);
    candidates_deinit(&work->candidates); /* a walk that has not come to its end needs the look ahead */
    work->candidates.ahead = look_ahead_free(ahead);
    progress_clear(&work->progress);
    if (result == 0 && work->met_nul) {
        stderr_text_print("ValueError: embedded null byte\n");
        work->status = exit_code_join(work->status, EXIT_CODE_USAGE);
    }
    return result == 0 ? compileall_work_ended(work, why) : result;
}
