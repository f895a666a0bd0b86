/* pycompilectl doctor: looks at what compiling needs, says what it finds and what is wrong, with the next step. */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/build_id.h"
#include "base/clock.h"
#include "base/host_programs.h"
#include "base/interpreter_file.h"
#include "base/paths.h"
#include "base/python_search.h"
#include "cache/folder.h"
#include "client/connect.h"
#include "proto/json.h"

static const char help[] =
    "usage: pycompilectl doctor [-h]\n"
    "\n"
    "Look at programs, Pythons, sockets, the daemon, its limits and the cache. Says what is found, what\n"
    "is refused, and why. Nothing is started or changed. The exit status is 1 where something is\n"
    "wrong.\n"
    "\n"
    "options:\n"
    "  -h, --help  show this help message and exit\n";

enum doctor_verdict {
    DOCTOR_FINE,
    DOCTOR_NOTE,
    DOCTOR_WRONG,
};

struct doctor {
    bool colours;
    unsigned wrong;
};

static void doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *format, ...) {
    static const char *const words[] = {"ok", "note", "WRONG"};
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[1;31m"};
    va_list args;
    doctor->wrong += verdict == DOCTOR_WRONG;
    printf("%s%-5s%s  ", doctor->colours ? colours[verdict] : "", words[verdict], doctor->colours ? "\033[0m" : "");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* Colours where a terminal shows them and nobody has said no (NO_COLOR). */
static bool doctor_may_colour(void) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

static void doctor_check_programs(struct doctor *doctor) {
    char *program = paths_program("pycompiled", false);
    if (program == NULL || access(program, X_OK) < 0)
        doctor_say(doctor, DOCTOR_WRONG,
                   "the daemon's program pycompiled is not beside this one: install both in one folder");
    else
        doctor_say(doctor, DOCTOR_FINE, "program %s, version %s, build %s", program, PYCOMPILED_VERSION, build_id);
    free(program);
    if (!paths_has_proc())
        doctor_say(doctor, DOCTOR_NOTE, "/proc is not mounted: a daemon of another build is told by its answer alone");
}

/* An interpreter that is found for a version for which no host was built. */
static void doctor_check_object(struct doctor *doctor, const struct python_version *version) {
    struct interpreter_file file = {0};
    char *why = NULL, *path = python_search_find(version, NULL);
    if (path == NULL)
        return;
    if (interpreter_file_find(path, &file, &why) < 0)
        doctor_say(doctor, DOCTOR_NOTE, "Python %u.%u at %s is refused: %s", version->major, version->minor, path, why);
    else
        doctor_say(doctor, DOCTOR_FINE, "Python %u.%u: %s", version->major, version->minor, file.path);
    interpreter_file_deinit(&file);
    free(why);
    free(path);
}

static bool doctor_has_host(const struct host_programs *programs, const struct python_version *version) {
    for (unsigned i = 0; i < programs->count; i++)
        if (python_version_compare(&programs->items[i].version, version) == 0)
            return true;
    return false;
}

static void doctor_check_pythons(struct doctor *doctor) {
    struct host_programs programs;
    host_programs_find(&programs, NULL);
    for (unsigned i = 0; i < programs.count; i++)
        doctor_say(doctor, access(programs.items[i].path, X_OK) == 0 ? DOCTOR_FINE : DOCTOR_WRONG, "Python %s: host %s",
                   programs.items[i].python, programs.items[i].path);
    for (unsigned i = 0; programs.launcher != NULL && i < programs.object_count; i++)
        if (!doctor_has_host(&programs, &programs.objects[i]))
            doctor_check_object(doctor, &programs.objects[i]);
    if (programs.count == 0 && (programs.launcher == NULL || programs.object_count == 0))
        doctor_say(doctor, DOCTOR_WRONG, "no pycompile-host-X.Y is found: reinstall, with a CPython from 3.9 on");
    host_programs_deinit(&programs);
}

/* Numbers of `limits` that the daemon cannot raise; only those of memory and files are small enough to hurt. */
static void doctor_check_limits(struct doctor *doctor, const cJSON *status) {
    const cJSON *limit, *limits = cJSON_GetObjectItemCaseSensitive(status, "limits");
    cJSON_ArrayForEach(limit, limits)
        if (cJSON_IsNumber(limit) && strcmp(limit->string, "descriptors") != 0 &&
            strcmp(limit->string, "processes") != 0)
            doctor_say(doctor, DOCTOR_NOTE, "the daemon runs under a hard limit: %s %.0f (ulimit -H)", limit->string,
                       limit->valuedouble);
    if (json_get_number(status, "nice", 0) > 0)
        doctor_say(doctor, DOCTOR_NOTE, "the daemon runs with nice value %.0f", json_get_number(status, "nice", 0));
}

static void doctor_check_answer(struct doctor *doctor, const cJSON *status) {
    const char *build = json_get_string(status, "build");
    const cJSON *python, *pythons = cJSON_GetObjectItemCaseSensitive(status, "pythons");
    const cJSON *remote = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(status, "cache"), "remote");
    doctor_say(doctor, DOCTOR_FINE, "daemon pid %.0f answers, at most %.0f workers of each Python",
               json_get_number(status, "pid", 0), json_get_number(status, "workers_max", 0));
    if (build != NULL && strcmp(build, build_id) != 0)
        doctor_say(doctor, DOCTOR_NOTE, "the daemon is of build %s: pycompilectl restart", build);
    cJSON_ArrayForEach(python, pythons) {
        const char *failure = json_get_string(python, "failure"), *name = json_get_string(python, "python");
        if (failure != NULL)
            doctor_say(doctor, DOCTOR_WRONG, "Python %s: %s", name ? name : "?", failure);
    }
    const char *url = json_get_string(remote, "url");
    if (url != NULL && json_get_bool(remote, "away"))
        doctor_say(doctor, DOCTOR_WRONG, "the remote cache %s fails, and is left alone for now", url);
    else if (url != NULL)
        doctor_say(doctor, DOCTOR_FINE, "remote cache %s", url);
    doctor_check_limits(doctor, status);
}

static void doctor_check_daemon(struct doctor *doctor, const char *path) {
    struct rpc_client client;
    char *why = NULL;
    int fd;
    enum connect_status status = connect_daemon(path, &fd, &why);
    if (status == CONNECT_OK) {
        rpc_client_init(&client, fd);
        cJSON *answer = rpc_client_call(&client, "status", NULL, clock_ms() + CTL_DEADLINE_MS, &why);
        rpc_client_deinit(&client);
        if (answer != NULL)
            doctor_check_answer(doctor, answer);
        else
            doctor_say(doctor, DOCTOR_WRONG, "the daemon on %s does not answer: %s; pycompilectl stop --force", path,
                       why);
        cJSON_Delete(answer);
    } else if (connect_is_absent(status)) {
        doctor_say(doctor, DOCTOR_FINE, "no daemon runs on %s: the next client starts it", path);
    } else {
        doctor_say(doctor, DOCTOR_WRONG, "%s", why);
    }
    free(why);
}

static void doctor_check_socket(struct doctor *doctor) {
    char *shared = paths_socket(), *why = NULL;
    const char *start = getenv("PYCOMPILED_AUTOSTART");
    int error = paths_check_folder(shared, &why);
    if (error < 0 && error != -ENOENT)
        doctor_say(doctor, DOCTOR_WRONG, "%s: set PYCOMPILED_SOCKET, or mend the folder", why);
    else
        doctor_say(doctor, DOCTOR_FINE, "socket %s", shared);
    if (start != NULL && strcmp(start, "0") == 0)
        doctor_say(doctor, DOCTOR_NOTE, "PYCOMPILED_AUTOSTART=0: clients start no daemon");
    if (error == 0 || error == -ENOENT) {
        char *path = ctl_socket();
        doctor_check_daemon(doctor, path);
        free(path);
    }
    free(shared);
    free(why);
}

static void doctor_check_cache(struct doctor *doctor) {
    char *folder = folder_locate(NULL);
    if (folder == NULL)
        doctor_say(doctor, DOCTOR_NOTE, "no home folder, so no cache: set PYCOMPILED_CACHE_DIR");
    else if (access(folder, F_OK) < 0)
        doctor_say(doctor, DOCTOR_FINE, "cache %s, which is not there yet", folder);
    else if (access(folder, R_OK | W_OK | X_OK) < 0)
        doctor_say(doctor, DOCTOR_WRONG, "cache %s: %s", folder, strerror(errno));
    else
        doctor_say(doctor, DOCTOR_FINE, "cache %s", folder);
    free(folder);
}

int ctl_doctor(int argc, char **argv) {
    struct doctor doctor = {.colours = doctor_may_colour()};
    ctl_options(argc, argv, &(struct ctl_options){.help = help});
    doctor_check_programs(&doctor);
    doctor_check_pythons(&doctor);
    doctor_check_socket(&doctor);
    doctor_check_cache(&doctor);
    return ctl_finish(doctor.wrong > 0);
}
