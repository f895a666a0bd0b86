/* A daemon that runs is asked for its hosts; else those of this installation count. */
#include "client/which_python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/python_version.h"
#include "client/stderr_text.h"

static int which_python_fail(const char *prog, char *why) {
    char *text = xasprintf("%s: %s\n", prog, why);
    stderr_text_print(text);
    free(text);
    free(why);
    return 1;
}

/* Makes sure that nothing starts a daemon. */
static void which_python_look(struct run_link *link) {
    char *why = NULL;
    link->keeps_daemon = true;
    if (run_link_open_running(link, &why) < 0)
        run_link_forgo(link);
    free(why);
}

static int which_python_show(const struct python_info *info, const char *reason) {
    printf("%s\n", info->python);
    printf("interpreter: %s", info->interpreter ? info->interpreter : "not known");
    if (info->version != NULL)
        printf(", version %s", info->version);
    putchar('\n');
    printf("reason: %s\n", reason);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

int which_python(struct run_link *link, const struct request_options *shared) {
    struct python_choice choice;
    struct python_info info = {0};
    char *why = NULL;
    which_python_look(link);
    int result = python_choice_find(&choice, link, shared, &why);
    if (result == 0)
        result = python_info_ask(link, choice.python ? choice.python : shared->request.python, &info, &why);
    int status = result < 0 ? which_python_fail(link->prog, why) : which_python_show(&info, choice.reason);
    python_choice_deinit(&choice);
    python_info_deinit(&info);
    return status;
}

void which_python_compare(const char *prog, const struct python_choice *choice, const struct python_info *info) {
    char *release = info->version ? python_version_release(info->version) : NULL;
    if (release != NULL && choice->release != NULL && strcmp(release, choice->release) != 0) {
        char *text = xasprintf("%s: %s; the host compiles as %s does\n", prog, choice->reason, info->version);
        stderr_text_print(text);
        free(text);
    }
    free(release);
}
