/* pycompile-client: the command line of `python -m py_compile`, over the daemon. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/compile/file_batch.h"
#include "client/compile/options.h"
#include "client/names.h"
#include "client/option_check.h"
#include "client/progress.h"
#include "client/python_choice.h"
#include "client/report.h"
#include "client/standard_fds.h"
#include "client/stderr_text.h"

#define PROG "pycompile-client"

/* Returns 0, or -1 and why. */
static int report_options(const struct compile_request *request, const char *socket_path, struct report *report,
                          char **why) {
    cJSON *result = option_check(socket_path, request, why);
    report_take_options(report, result);
    cJSON_Delete(result);
    return *why == NULL ? 0 : -1;
}

static int compile_all(struct options *options) {
    struct names names;
    struct progress progress;
    struct report report;
    char *why = NULL;
    if (options->from_stdin)
        names_init_fd(&names, STDIN_FILENO);
    else
        names_init_list(&names, options->files, options->file_count);
    progress_init(&progress, !options->quiet);
    report_init(&report, PROG, &progress);
    report.quiet = options->quiet;
    report.keep_going = options->keep_going;
    report.json = options->json;
    char *socket_path = paths_socket(), *python = NULL;
    int result = 0;
    if (options->request.python == NULL) {
        result = python_choice_make(socket_path, options->request.cwd, &python, &why);
        options->request.python = python;
    }
    if (result == 0 && options->request.warnings)
        result = report_options(&options->request, socket_path, &report, &why);
    if (result == 0)
        result = file_batch_run(socket_path, &names, &options->request, &report, &why);
    progress_clear(&progress);
    if (result < 0) {
        char *text = xasprintf(PROG ": %s\n", why);
        stderr_text_print(text);
        free(text);
        report.status = 1;
    }
    int status = report.status;
    free(why);
    free(python);
    free(socket_path);
    report_deinit(&report);
    names_deinit(&names);
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    standard_fds_occupy();
    signal(SIGPIPE, SIG_IGN);
    options_parse(&options, argc, argv);
    int status = compile_all(&options);
    options_deinit(&options);
    return status;
}
