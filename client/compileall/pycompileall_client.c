/* pycompileall-client: the command line of `python -m compileall`, over the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/paths.h"
#include "client/compileall/library.h"
#include "client/compileall/sys_path.h"
#include "client/compileall/venv.h"
#include "client/compileall/work.h"
#include "client/fallback.h"
#include "client/interrupt.h"
#include "client/option_check.h"
#include "client/python_choice.h"
#include "client/results/results.h"
#include "client/standard_fds.h"
#include "client/stderr_text.h"
#include "client/which_python.h"

#define PROG "pycompileall-client"

/* The time that an interpreter has to print its sys.path; it may have to import from a slow disk. */
#define SYS_PATH_DEADLINE_MS 60000

/* Whether compileall's own texts go to standard output. Else results for machines do, or nothing does. */
static bool says_text(const struct compileall_options *options) {
    return options->shared.output == RESULTS_TEXT && options->quiet < 2;
}

/* Prints the reason, unless the user has ended the work. */
static enum exit_code compileall_fail(const char *why, enum exit_code status) {
    if (!interrupt_has_come()) {
        char *text = xasprintf(PROG ": %s\n", why);
        stderr_text_print(text);
        free(text);
    }
    return status;
}

/* Prints results for machines of a run that ends before any work. */
static void say_no_results(const struct compileall_options *options, const char *why) {
    struct results results;
    struct buffer out = {0};
    results_init(&results, options->shared.output, PROG);
    results_end(&results, &(struct summary){.error = why, .interrupted = interrupt_has_come()}, &out);
    (void)io_write_all(STDOUT_FILENO, out.data, out.len); /* the run has failed anyway */
    buffer_deinit(&out);
    results_deinit(&results);
}

/* One batch of work on the given candidates. Returns 0, or a negative errno value and a message. */
static int run_batch(struct compileall_work *work, const struct candidates *candidates, char **why) {
    candidates_deinit(&work->candidates);
    work->candidates = *candidates;
    work->holds = false; /* of the batch before */
    return compileall_work_run(work, why);
}

/* compileall without names: each folder of sys.path by itself, until one fails. */
static int run_sys_path(struct compileall_work *work, const struct python_info *info, char **why) {
    struct buffer folders = {0};
    struct sys_path_question question = {info, clock_ms() + SYS_PATH_DEADLINE_MS, interrupt_fd()};
    int result = sys_path_read(&question, &folders, why);
    if (result == -EINTR)
        result = 0; /* printed at the end */
    bool stop = result < 0 || interrupt_has_come();
    for (size_t at = 0; !stop && at < folders.len; at += strlen(folders.data + at) + 1) {
        char *folder = folders.data + at;
        result = run_batch(work, &(struct candidates){.dests = &folder, .dest_count = 1, .folders_alone = true}, why);
        stop = result < 0 || work->status != EXIT_CODE_DONE || interrupt_has_come();
    }
    buffer_deinit(&folders);
    return result;
}

static int run_all(struct compileall_work *work, const struct python_info *info, struct names *list, char **why) {
    const struct compileall_options *options = work->options;
    struct candidates candidates = {
        .dests = options->dests,
        .dest_count = options->dest_count,
        .list = list,
        .levels = options->levels,
    };
    int result = options->dest_count > 0 || list != NULL ? run_batch(work, &candidates, why) : 0;
    if (result < 0 || work->candidates.seen > 0 || options->venv || options->stdlib)
        return result;
    struct compileall_options left = compileall_options_without_names(options);
    compileall_work_set_options(work, &left);
    result = run_sys_path(work, info, why);
    compileall_work_set_options(work, options);
    return result;
}

/* After an interrupt only the files count that were looked at to the end. What the cache had is named where there is
 * any. */
static void sum_up(const struct compileall_work *work, int64_t begin) {
    double seconds = (double)(clock_ms() - begin) / 1000;
    const struct summary *summary = &work->summary;
    const size_t *outcomes = summary->outcomes;
    struct buffer text = {0};
    bool checks = work->options->check;
    buffer_printf(&text, "%zu files: %zu %s", summary->files, outcomes[checks ? OUTCOME_CHECKED : OUTCOME_COMPILED],
                  checks ? "checked" : "compiled");
    if (outcomes[OUTCOME_CACHED] > 0)
        buffer_printf(&text, ", %zu cached", outcomes[OUTCOME_CACHED]);
    buffer_printf(&text, ", %zu up to date, %zu failed; %.2f s, %.0f files/s", outcomes[OUTCOME_UP_TO_DATE],
                  outcomes[OUTCOME_FAILED], seconds, seconds > 0 ? (double)summary->files / seconds : 0);
    if (interrupt_has_come())
        buffer_append_string(&text, "; interrupted");
    if (work->unknown > 0)
        buffer_printf(&text, ", %zu not waited for", work->unknown);
    buffer_append_char(&text, '\n');
    stderr_text_print(buffer_string(&text));
    buffer_deinit(&text);
}

/* Finds the Python to compile for. Returns 0, or a negative errno value and a message. */
static int find_python(const struct compileall_options *options, struct run_link *link, const char *wanted,
                       struct python_info *info, char **why) {
    struct python_choice choice;
    struct request_options shared = options->shared;
    shared.request.python = wanted;
    int result = python_choice_find(&choice, link, &shared, why);
    if (result == 0)
        result = python_info_ask(link, choice.python ? choice.python : wanted, info, why);
    if (result == 0 && options->quiet == 0)
        which_python_compare(PROG, &choice, info);
    python_choice_deinit(&choice);
    return result;
}

static int find_pythons(const struct compileall_options *options, struct run_link *link,
                        struct compileall_pythons *pythons, char **why) {
    size_t count = options->python_count > 1 ? options->python_count : 1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        pythons->count = i + 1;
        const char *wanted = count > 1 ? options->pythons[i] : options->shared.request.python;
        result = find_python(options, link, wanted, &pythons->list[i], why);
    }
    return result;
}

/* Whether something is asked, or read, that cannot be asked or read again by a fallback. */
static bool needs_daemon_first(const struct compileall_options *options) {
    return options->pattern != NULL || options->list != NULL ||
           option_check_is_needed(options->shared.request.warnings);
}

/* Falls back on the interpreter where that is wanted and possible; does not return then. */
static void fall_back(const struct compileall_options *options, struct run_link *link, int result, char **why) {
    struct fallback fallback;
    compileall_options_fallback(options, &fallback);
    if (fallback_is_for(&fallback, result) && !interrupt_has_come())
        fallback_run(&fallback, link, why);
    fallback_deinit(&fallback);
}

/* Finds the Python, and a daemon if there must be one by now. Returns 0, or a negative errno value and a message. */
static int prepare(const struct compileall_options *options, struct run_link *link, struct compileall_pythons *pythons,
                   char **why) {
    int result = find_pythons(options, link, pythons, why);
    if (result == 0 && options->shared.fallback && needs_daemon_first(options))
        result = fallback_reach_daemon(link, pythons->list[0].python, why);
    if (result < 0)
        fall_back(options, link, result, why);
    return result;
}

/* Whether Python accepts the pattern of -x. If not, prints the last line of Python's traceback. */
static bool check_pattern(const struct path_pattern *pattern) {
    char *why = NULL;
    if (pattern->text == NULL || path_pattern_check(pattern, &why) == 0)
        return true;
    if (!interrupt_has_come()) {
        char *text = xasprintf("%s\n", why);
        stderr_text_print(text);
        free(text);
    }
    free(why);
    return false;
}

static void say_no_list(const struct compileall_options *options) {
    struct buffer text = {0};
    if (!says_text(options))
        return;
    buffer_append_string(&text, "Error reading file list ");
    stderr_text_append(&text, options->list);
    buffer_append_char(&text, '\n');
    (void)io_write_all(STDOUT_FILENO, text.data, text.len);
    buffer_deinit(&text);
}

/* The work with what --timing asks for around it. Returns 0, or a negative errno value and a message. */
static int run_timed(struct compileall_work *work, const struct python_info *info, struct names *list, char **why) {
    const char *path = work->options->timing;
    struct timing timing = {0};
    int opened = path ? timing_open(&timing, path) : 0;
    if (opened < 0) {
        *why = xasprintf("%s: %s", path, strerror(-opened));
        return opened;
    }
    work->timing = path ? &timing : NULL;
    int result = compileall_work_check_options(work, why);
    if (result == 0)
        result = run_all(work, info, list, why);
    int closed = path ? timing_close(&timing) : 0;
    if (closed < 0 && result == 0) {
        *why = xasprintf("%s: %s", path, strerror(-closed));
        result = closed;
    }
    return result;
}

/* Compiles, after the pattern and the list were checked. */
static enum exit_code compile_named(const struct compileall_options *options, const struct compileall_pythons *pythons,
                                    const struct path_pattern *pattern, int list_fd, const struct venv *venv) {
    int64_t begin = clock_ms();
    char *why = NULL, *why_not = NULL;
    struct compileall_work work;
    struct names list;
    compileall_work_init(&work, options, pythons, pattern->link);
    if (venv != NULL) {
        work.found = work.summary.files = venv->unchanged;
        work.summary.outcomes[OUTCOME_UP_TO_DATE] = venv->unchanged;
    }
    work.filter.pattern = options->pattern ? pattern : NULL;
    if (options->shared.nul_names)
        names_init_nul(&list, list_fd);
    else
        names_init_fd(&list, list_fd);
    work.holds_output = options->shared.fallback && options->list == NULL;
    int result = run_timed(&work, &pythons->list[0], options->list ? &list : NULL, &why);
    if (result < 0 && work.holds_output && !work.has_served)
        fall_back(options, pattern->link, result, &why);
    if (result == 0)
        result = compileall_work_release(&work, &why);
    bool sums_up = interrupt_has_come() ? options->verbose || work.progress.enabled : result == 0 && options->verbose;
    if (sums_up)
        sum_up(&work, begin);
    if (venv != NULL && result == 0 && !interrupt_has_come())
        venv_leave_stamp(venv, &work.bad);
    enum exit_code status = work.status;
    if (result < 0)
        status = compileall_fail(why, exit_code_join(status, EXIT_CODE_SERVICE));
    if (compileall_work_end(&work, why, &why_not) < 0 && result == 0)
        status = compileall_fail(why_not, EXIT_CODE_FILES);
    free(why);
    free(why_not);
    names_deinit(&list);
    compileall_work_deinit(&work);
    return status;
}

/* Checks in the order in which compileall's options fail: first the pattern, then the list. */
static enum exit_code compile_checked(const struct compileall_options *options,
                                      const struct compileall_pythons *pythons, struct run_link *link,
                                      const struct venv *venv) {
    struct path_pattern pattern = {link, pythons->list[0].python, options->pattern};
    if (!check_pattern(&pattern)) {
        say_no_results(options, "the pattern of -x is invalid");
        return EXIT_CODE_USAGE;
    }
    int list_fd = options->list != NULL ? names_open(options->list) : -1;
    if (options->list != NULL && list_fd < 0) {
        say_no_list(options);
        say_no_results(options, "the list of -i cannot be read");
        return EXIT_CODE_FILES;
    }
    enum exit_code status = compile_named(options, pythons, &pattern, list_fd, venv);
    if (list_fd > STDERR_FILENO)
        close(list_fd);
    return status;
}

/* Compiles what is named. */
static enum exit_code run_names(const struct compileall_options *options, struct run_link *link,
                                const struct venv *venv) {
    struct compileall_pythons pythons = {0};
    struct compileall_options with = *options;
    char *why = NULL, **names = NULL;
    size_t count = 0;
    int result = prepare(options, link, &pythons, &why);
    enum exit_code status = EXIT_CODE_SERVICE;
    for (size_t i = 0; venv != NULL && i < venv->name_count; i++) {
        names = xrealloc(names, (count + 1) * sizeof *names);
        names[count++] = xstrdup(venv->names[i]);
    }
    if (result == 0 && options->stdlib) /* behind those of the environment: venv_leave_stamp() */
        result = library_names(pythons.list[0].interpreter, pythons.list[0].xy, &names, &count, &why);
    if (options->venv || options->stdlib) {
        with.dests = names;
        with.dest_count = count;
    }
    if (result == 0) {
        status = compile_checked(&with, &pythons, link, venv);
    } else {
        (void)compileall_fail(why, status);
        say_no_results(options, why);
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    free(why);
    for (size_t i = 0; i < pythons.count; i++)
        python_info_deinit(&pythons.list[i]);
    return status;
}

/* Says which distributions are left out. */
static enum exit_code say_unknown(const struct compileall_options *options, const struct venv *venv) {
    bool any = false;
    for (size_t i = 0; i < venv->count; i++) {
        const struct venv_dist *dist = &venv->dists[i];
        if (dist->why == NULL)
            continue;
        any = true;
        char *text = xasprintf(PROG ": %s/%s has %s: its files are left out\n", venv->path, dist->name, dist->why);
        if (options->quiet < 2)
            stderr_text_print(text);
        free(text);
    }
    return any && options->strict ? EXIT_CODE_FILES : EXIT_CODE_DONE;
}

/* An environment in which nothing has changed needs neither a daemon nor a Python. */
static enum exit_code run_venv(const struct compileall_options *options, struct run_link *link) {
    static const struct compileall_pythons no_pythons = {.count = 1};
    struct venv venv;
    char *why = NULL;
    enum exit_code status = EXIT_CODE_FILES;
    if (venv_open(&venv, options, &why) < 0) {
        (void)compileall_fail(why, status);
        say_no_results(options, why);
    } else if (venv.name_count > 0 || options->stdlib) {
        status = exit_code_join(say_unknown(options, &venv), run_names(options, link, &venv));
    } else {
        struct compileall_options none = *options;
        none.dest_count = 0;
        none.pattern = NULL;
        status = say_unknown(options, &venv);
        status =
            exit_code_join(status, compile_named(&none, &no_pythons, &(struct path_pattern){.link = link}, -1, &venv));
    }
    free(why);
    venv_close(&venv);
    return status;
}

static enum exit_code run(const struct compileall_options *options, struct run_link *link) {
    return options->venv ? run_venv(options, link) : run_names(options, link, NULL);
}

/* --which-python; with --venv, for the environment. */
static enum exit_code show_python(const struct compileall_options *options, struct run_link *link) {
    struct venv venv;
    char *why = NULL;
    if (options->venv) {
        int result = venv_open(&venv, options, &why);
        venv_close(&venv);
        if (result < 0) {
            (void)compileall_fail(why, EXIT_CODE_FILES);
            free(why);
            return EXIT_CODE_FILES;
        }
    }
    return which_python(link, &options->shared) == 0 ? EXIT_CODE_DONE : EXIT_CODE_SERVICE;
}

static int compile_all(const struct compileall_options *options) {
    char *socket_path = paths_socket();
    struct run_link link;
    run_link_init(&link, socket_path, PROG);
    link.wake_fd = interrupt_fd();
    link.may_say = options->quiet < 2;
    enum exit_code status = options->shared.which_python ? show_python(options, &link) : run(options, &link);
    if (interrupt_has_come()) {
        if (says_text(options) && interrupt_signal() == SIGINT)
            (void)io_write_all(STDOUT_FILENO, "\n[interrupted]\n", strlen("\n[interrupted]\n"));
        else if (options->shared.output != RESULTS_TEXT && options->quiet < 2) /* a format may have no place for it */
            stderr_text_print(PROG ": interrupted\n");
        status = EXIT_CODE_SERVICE;
    }
    run_link_deinit(&link);
    free(socket_path);
    return options->shared.exit_codes ? (int)status : status != EXIT_CODE_DONE;
}

int main(int argc, char **argv) {
    struct compileall_options options;
    bool has_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    standard_fds_occupy();
    signal(SIGPIPE, SIG_IGN);
    compileall_options_parse(&options, argc, argv);
    /* Where Python has no sys.stdout, print() does nothing. */
    if (!has_output && options.shared.output == RESULTS_TEXT)
        options.quiet = 2;
    interrupt_catch();
    int status = compile_all(&options);
    compileall_options_deinit(&options);
    interrupt_pass_on();
    return status;
}
