/* pycompile-client: the command line of `python -m py_compile`, over the daemon. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/compile/file_batch.h"
#include "client/compile/options.h"
#include "client/fallback.h"
#include "client/interrupt.h"
#include "client/names.h"
#include "client/option_check.h"
#include "client/progress.h"
#include "client/python_choice.h"
#include "client/python_info.h"
#include "client/report.h"
#include "client/run_link.h"
#include "client/standard_fds.h"
#include "client/stderr_text.h"
#include "client/which_python.h"

#define PROG "pycompile-client"

/* Prints the messages about invalid -W options first. Returns 0, or a negative errno value and a message. */
static int report_options(const struct compile_request *request, struct run_link *link, struct report *report,
                          char **why) {
    if (!option_check_is_needed(request->warnings))
        return 0;
    cJSON *result = option_check(link, request, why);
    report_take_options(report, result);
    cJSON_Delete(result);
    return *why == NULL ? 0 : -ENOTCONN;
}

/* Says if another patch release was asked for than the host's. */
static void say_other_release(const struct compile_options *options, struct run_link *link,
                              const struct python_choice *choice) {
    struct python_info info;
    char *why = NULL;
    if (options->quiet || choice->release == NULL)
        return;
    if (python_info_ask(link, choice->python, &info, &why) == 0)
        which_python_compare(PROG, choice, &info);
    free(why); /* a failure comes again where the work begins */
    python_info_deinit(&info);
}

/* Chooses the Python; with --fallback, also reaches a daemon. Returns 0, or a negative errno value and a message. */
static int prepare(struct compile_options *options, struct run_link *link, struct python_choice *choice, char **why) {
    int result = python_choice_find(choice, link, &options->shared, why);
    if (choice->python != NULL)
        options->shared.request.python = choice->python;
    if (result == 0 && options->shared.fallback)
        result = fallback_reach_daemon(link, options->shared.request.python, why);
    if (result == 0)
        say_other_release(options, link, choice);
    return result;
}

/* Falls back on the interpreter for the names that are left, where that is wanted and possible; does not return then.
 */
static void fall_back(const struct compile_options *options, struct run_link *link, const struct file_rest *rest,
                      int result, char **why) {
    struct compile_options left = *options;
    struct fallback fallback;
    left.files += options->from_list ? 0 : rest->done;
    left.file_count -= options->from_list ? 0 : rest->done;
    compile_options_fallback(&left, &fallback);
    if (fallback_is_for(&fallback, result) && !rest->consumed && !interrupt_has_come())
        fallback_run(&fallback, link, why);
    fallback_deinit(&fallback);
}

/* Compiles. Returns 0, or a negative errno value and a message. */
static int compile_names(struct compile_options *options, struct run_link *link, struct names *names,
                         struct report *report, char **why) {
    struct python_choice choice;
    struct file_rest rest = {.wanted = options->shared.fallback && !options->from_list};
    int result = prepare(options, link, &choice, why);
    if (result == 0)
        result = report_options(&options->shared.request, link, report, why);
    bool again = result < 0 || !options->from_list; /* names of a list are read once */
    if (result == 0)
        result = file_batch_run(link, names, &options->shared.request, report, &rest, why);
    if (result < 0 && again)
        fall_back(options, link, &rest, result, why);
    python_choice_deinit(&choice);
    return result;
}

/* The run ends early: `why` says so, unless a signal has ended it. */
static void fail(struct report *report, const char *why) {
    if (interrupt_has_come())
        return;
    (void)report_flush(report); /* what came before; an error comes again */
    progress_clear(report->progress);
    char *text = xasprintf(PROG ": %s\n", why);
    stderr_text_print(text);
    free(text);
    report->status = exit_code_join(report->status, EXIT_CODE_SERVICE);
}

/* Returns the descriptor that the names are read from, 0 where they stand on the command line, or a negative errno
 * value.
 */
static int open_names(const struct compile_options *options, struct names *names) {
    const char *path = options->shared.names_from;
    if (!options->from_list) {
        names_init_list(names, options->files, options->file_count);
        return 0;
    }
    int fd = path != NULL ? names_open(path) : STDIN_FILENO;
    if (options->shared.nul_names)
        names_init_nul(names, fd);
    else
        names_init_fd(names, fd);
    return fd;
}

/* Ends the results, and says that a signal has ended the run: a format may have no place for that. */
static void end_report(struct report *report, const char *why) {
    report->summary.interrupted = interrupt_has_come();
    report_end(report, why);
    (void)report_flush(report); /* the status tells */
    if (!report->summary.interrupted)
        return;
    report->status = EXIT_CODE_SERVICE;
    progress_clear(report->progress);
    if (!report->quiet)
        stderr_text_print(PROG ": interrupted\n");
}

static int compile_all(struct compile_options *options) {
    struct names names;
    struct progress progress;
    struct report report;
    struct run_link link;
    char *why = NULL, *socket_path = paths_socket();
    int list_fd = open_names(options, &names);
    progress_init(&progress, !options->quiet);
    report_init(&report, PROG, &progress);
    report.quiet = options->quiet;
    report.keep_going = options->keep_going;
    results_init(&report.results, options->shared.output, PROG);
    run_link_init(&link, socket_path, PROG);
    link.progress = &progress;
    link.may_say = !options->quiet;
    link.wake_fd = interrupt_fd();
    if (options->shared.which_python) {
        report.status = which_python(&link, &options->shared) == 0 ? EXIT_CODE_DONE : EXIT_CODE_SERVICE;
    } else if (list_fd < 0) {
        why = xasprintf("%s: %s", options->shared.names_from, strerror(-list_fd));
        fail(&report, why);
        report.status = EXIT_CODE_FILES;
        end_report(&report, why);
    } else {
        if (compile_names(options, &link, &names, &report, &why) < 0)
            fail(&report, why);
        end_report(&report, why);
    }
    progress_clear(&progress);
    int status = options->shared.exit_codes ? (int)report.status : report.status != EXIT_CODE_DONE;
    free(why);
    run_link_deinit(&link);
    free(socket_path);
    report_deinit(&report);
    names_deinit(&names);
    if (list_fd > STDERR_FILENO)
        close(list_fd);
    return status;
}

int main(int argc, char **argv) {
    struct compile_options options;
    standard_fds_occupy();
    signal(SIGPIPE, SIG_IGN);
    compile_options_parse(&options, argc, argv);
    /* Else a signal ends the process, as it ends py_compile. */
    if (options.shared.output != RESULTS_TEXT || options.shared.exit_codes)
        interrupt_catch();
    int status = compile_all(&options);
    compile_options_deinit(&options);
    interrupt_pass_on();
    return status;
}
