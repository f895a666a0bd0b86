/* Long options by getopt_long(3); those that are numbers or strings by tables. */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "base/buffer.h"
#include "base/build_id.h"
#include "base/cpu_count.h"
#include "base/paths.h"
#include "base/python_version.h"
#include "cache/folder.h"
#include "cache/remote/remote.h"
#include "cache/store.h"
#include "proto/compile_request.h"
#include "proto/frame.h"

/* The default limit is no lower, on however small a machine: the interpreters and their stacks need some. */
#define HOST_LIMIT_LEAST_MIB 512

static const char help[] =
    "usage: pycompiled [--background] [options]\n"
    "\n"
    "Compiles Python source to .pyc files for clients on a Unix socket, in warm interpreters.\n"
    "Clients start it by themselves; see pycompile-client(1) and pycompilectl(1).\n"
    "\n"
    "options:\n"
    "  --background         return when the daemon is ready (or one is running already)\n"
    "  --inetd              serve only the connection that standard input is, and leave when it closes\n"
    "  --socket PATH        default: $PYCOMPILED_SOCKET, else $XDG_RUNTIME_DIR/pycompiled/socket,\n"
    "                       else /tmp/pycompiled-UID/socket\n"
    "  --workers N          interpreters of each Python version, at most (default: the processors that\n"
    "                       the affinity mask and the CPU quota of the control group allow)\n"
    "  --python X.Y         version for requests that name none (default: the newest there is), or the path\n"
    "                       of an interpreter\n"
    "  --idle-timeout S     leave after S seconds without a client; 0: stay (default 600)\n"
    "  --shrink-after S     shrink to one interpreter after S idle seconds; 0: never (default 60)\n"
    "  --timeout MS         longest compile, for requests that say nothing; 0: none (default 60000)\n"
    "  --host-memory MIB    replace a host that grows beyond (default 1024)\n"
    "  --host-limit MIB     most that a host may allocate, then MemoryError; 0: no limit\n"
    "                       (default: half of the memory there is)\n"
    "  --big-source BYTES   a longer source is compiled by a host of its own, one at a time; 0: none\n"
    "                       is (default 2097152)\n"
    "  --start-timeout S    for a host to come up (default 30)\n"
    "  --drain-timeout S    for running compiles and unread answers, when leaving (default 60)\n"
    "  --connections N      connections at once, at most (default 4096; fewer where descriptors are short)\n"
    "  --connection-idle S  close a connection on which nothing has happened for S seconds; 0: never\n"
    "                       (default 86400)\n"
    "  --frame-limit BYTES  longest message (default 67108864)\n"
    "  --nesting-limit N    deepest nesting of a message's arrays and objects (default, and at most, 64)\n"
    "  --value-limit N      values in a message, at all levels (default 100000)\n"
    "  --open-limit N       open requests of a connection before its reading stops; requests in a batch\n"
    "                       (default 1024)\n"
    "  --pending-limit BYTES\n"
    "                       answers that a client has not read before its reading stops (default 4194304)\n"
    "  --memory-limit MIB   what is held for all connections together; beyond, the connection that holds\n"
    "                       most is closed (default 512)\n"
    "  --cache-dir DIR      default: $PYCOMPILED_CACHE_DIR, else $XDG_CACHE_HOME/pycompiled, else\n"
    "                       ~/.cache/pycompiled\n"
    "  --cache-limit MIB    the cache's size from now on, at least 16 (at first 2048)\n"
    "  --cache-key WHAT     what shares results: build (default: one build of a Python), or release (all builds\n"
    "                       and architectures of X.Y.Z)\n"
    "  --no-cache           neither ask nor feed the cache\n"
    "  --remote-cache URL   what the cache has not is looked for in, and given to, the Redis or Valkey server\n"
    "                       redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], rediss://... (TLS) or unix:///PATH,\n"
    "                       or the web server http[s]://HOST/PATH; settings may follow the URL: docs/cache.md\n"
    "                       (default: $PYCOMPILED_REMOTE_CACHE)\n"
    "  --remote-secret-file FILE\n"
    "                       secret of all who share it, at least 16 bytes (default:\n"
    "                       $PYCOMPILED_REMOTE_SECRET_FILE, else the text in $PYCOMPILED_REMOTE_SECRET)\n"
    "  --remote-timeout MS  longest wait for the server, which then is left alone for a while (default 500)\n"
    "  --remote-read-only   look there only\n"
    "  --hosts DIR          look for pycompile-host-X.Y in DIR first\n"
    "  --version            print the version\n"
    "  --build-id           print the build: the version and a hash of the sources\n"
    "  -h, --help           print this\n";

enum {
    OPT_BACKGROUND = 256,
    OPT_INETD,
    OPT_SOCKET,
    OPT_WORKERS,
    OPT_PYTHON,
    OPT_IDLE_TIMEOUT,
    OPT_SHRINK_AFTER,
    OPT_TIMEOUT,
    OPT_HOST_MEMORY,
    OPT_HOST_LIMIT,
    OPT_BIG_SOURCE,
    OPT_START_TIMEOUT,
    OPT_DRAIN_TIMEOUT,
    OPT_CONNECTIONS,
    OPT_CONNECTION_IDLE,
    OPT_FRAME_LIMIT,
    OPT_NESTING_LIMIT,
    OPT_VALUE_LIMIT,
    OPT_OPEN_LIMIT,
    OPT_PENDING_LIMIT,
    OPT_MEMORY_LIMIT,
    OPT_HOSTS,
    OPT_CACHE_DIR,
    OPT_CACHE_LIMIT,
    OPT_CACHE_KEY,
    OPT_NO_CACHE,
    OPT_REMOTE_CACHE,
    OPT_REMOTE_SECRET_FILE,
    OPT_REMOTE_TIMEOUT,
    OPT_REMOTE_READ_ONLY,
    OPT_VERSION,
    OPT_BUILD_ID,
};

static const struct option long_options[] = {
    {"background", no_argument, NULL, OPT_BACKGROUND},
    {"inetd", no_argument, NULL, OPT_INETD},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"python", required_argument, NULL, OPT_PYTHON},
    {"idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT},
    {"shrink-after", required_argument, NULL, OPT_SHRINK_AFTER},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"host-memory", required_argument, NULL, OPT_HOST_MEMORY},
    {"host-limit", required_argument, NULL, OPT_HOST_LIMIT},
    {"big-source", required_argument, NULL, OPT_BIG_SOURCE},
    {"start-timeout", required_argument, NULL, OPT_START_TIMEOUT},
    {"drain-timeout", required_argument, NULL, OPT_DRAIN_TIMEOUT},
    {"connections", required_argument, NULL, OPT_CONNECTIONS},
    {"connection-idle", required_argument, NULL, OPT_CONNECTION_IDLE},
    {"frame-limit", required_argument, NULL, OPT_FRAME_LIMIT},
    {"nesting-limit", required_argument, NULL, OPT_NESTING_LIMIT},
    {"value-limit", required_argument, NULL, OPT_VALUE_LIMIT},
    {"open-limit", required_argument, NULL, OPT_OPEN_LIMIT},
    {"pending-limit", required_argument, NULL, OPT_PENDING_LIMIT},
    {"memory-limit", required_argument, NULL, OPT_MEMORY_LIMIT},
    {"hosts", required_argument, NULL, OPT_HOSTS},
    {"cache-dir", required_argument, NULL, OPT_CACHE_DIR},
    {"cache-limit", required_argument, NULL, OPT_CACHE_LIMIT},
    {"cache-key", required_argument, NULL, OPT_CACHE_KEY},
    {"no-cache", no_argument, NULL, OPT_NO_CACHE},
    {"remote-cache", required_argument, NULL, OPT_REMOTE_CACHE},
    {"remote-secret-file", required_argument, NULL, OPT_REMOTE_SECRET_FILE},
    {"remote-timeout", required_argument, NULL, OPT_REMOTE_TIMEOUT},
    {"remote-read-only", no_argument, NULL, OPT_REMOTE_READ_ONLY},
    {"version", no_argument, NULL, OPT_VERSION},
    {"build-id", no_argument, NULL, OPT_BUILD_ID},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Reads a number from min to max; false (after a message) where the argument is not one. */
static bool options_number(const char *option, long min, long max, long *value) {
    char *end;
    errno = 0;
    *value = strtol(optarg, &end, 10);
    if (errno == 0 && end != optarg && *end == '\0' && *value >= min && *value <= max)
        return true;
    fprintf(stderr, "pycompiled: --%s takes a number from %ld to %ld, not '%s'\n", option, min, max, optarg);
    return false;
}

enum number_kind {
    NUMBER_UNSIGNED,
    NUMBER_SIZE,
    NUMBER_MIB, /* a size_t of bytes */
};

/* The options that are numbers: their range, and their place. */
static const struct number_option {
    int opt;
    long min, max;
    enum number_kind kind;
    size_t offset;
} number_options[] = {
    {OPT_WORKERS, 1, 1024, NUMBER_UNSIGNED, offsetof(struct options, workers)},
    {OPT_IDLE_TIMEOUT, 0, 1 << 30, NUMBER_UNSIGNED, offsetof(struct options, idle_timeout_s)},
    {OPT_SHRINK_AFTER, 0, 1 << 30, NUMBER_UNSIGNED, offsetof(struct options, shrink_after_s)},
    {OPT_TIMEOUT, 0, 1 << 30, NUMBER_UNSIGNED, offsetof(struct options, job_timeout_ms)},
    {OPT_HOST_MEMORY, 0, 1 << 30, NUMBER_UNSIGNED, offsetof(struct options, host_memory_mib)},
    {OPT_HOST_LIMIT, 0, 1 << 30, NUMBER_UNSIGNED, offsetof(struct options, host_limit_mib)},
    {OPT_BIG_SOURCE, 0, 1 << 30, NUMBER_UNSIGNED, offsetof(struct options, big_source)},
    {OPT_START_TIMEOUT, 1, 1 << 20, NUMBER_UNSIGNED, offsetof(struct options, start_timeout_s)},
    {OPT_DRAIN_TIMEOUT, 1, 1 << 20, NUMBER_UNSIGNED, offsetof(struct options, drain_timeout_s)},
    {OPT_CONNECTIONS, 1, 1 << 20, NUMBER_UNSIGNED, offsetof(struct options, connection_limit)},
    {OPT_CONNECTION_IDLE, 0, 1 << 30, NUMBER_UNSIGNED, offsetof(struct options, connection_idle_s)},
    {OPT_FRAME_LIMIT, 1024, 1 << 30, NUMBER_SIZE, offsetof(struct options, frame_limit)},
    {OPT_NESTING_LIMIT, 4, JSON_DEPTH_MAX, NUMBER_UNSIGNED, offsetof(struct options, json.depth)},
    {OPT_VALUE_LIMIT, 100, 1 << 30, NUMBER_SIZE, offsetof(struct options, json.values)},
    {OPT_OPEN_LIMIT, 1, 1 << 20, NUMBER_UNSIGNED, offsetof(struct options, open_limit)},
    {OPT_PENDING_LIMIT, 1, 1 << 30, NUMBER_SIZE, offsetof(struct options, pending_limit)},
    {OPT_MEMORY_LIMIT, 1, 1 << 20, NUMBER_MIB, offsetof(struct options, memory_limit)},
    {OPT_REMOTE_TIMEOUT, 1, 1 << 20, NUMBER_UNSIGNED, offsetof(struct options, remote.timeout_ms)},
    {OPT_CACHE_LIMIT, STORE_LIMIT_MIN >> 20, STORE_LIMIT_MAX >> 20, NUMBER_MIB, offsetof(struct options, cache_limit)},
};

/* Takes an option that is a number. Returns whether it is right; else a message has been printed. */
static bool options_take_number(struct options *options, int opt, const char *name) {
    const struct number_option *wanted = number_options;
    while (wanted->opt != opt)
        wanted++;
    long n;
    if (!options_number(name, wanted->min, wanted->max, &n))
        return false;
    void *place = (char *)options + wanted->offset;
    if (opt == OPT_WORKERS)
        options->workers_by = WORKERS_BY_OPTION;
    if (wanted->kind == NUMBER_UNSIGNED)
        *(unsigned *)place = (unsigned)n;
    else
        *(size_t *)place = (size_t)n << (wanted->kind == NUMBER_MIB ? 20 : 0);
    return true;
}

/* As many workers as there are processors to be had. */
static void options_count_workers(struct options *options) {
    struct cpu_count count = cpu_count();
    options->workers = count.cpus;
    options->workers_by = count.by_quota ? WORKERS_BY_QUOTA : WORKERS_BY_AFFINITY;
}

/* Half of the memory that the machine has or this process is confined to, in MiB. */
static unsigned options_half_of_memory_mib(void) {
    uint64_t total = uv_get_total_memory(), confined = uv_get_constrained_memory();
    uint64_t mib = (confined > 0 && confined < total ? confined : total) >> 21;
    return mib < HOST_LIMIT_LEAST_MIB ? HOST_LIMIT_LEAST_MIB : mib > UINT_MAX ? UINT_MAX : (unsigned)mib;
}

/* Makes a path (taken) absolute: the daemon leaves its working directory, and hosts have another. NULL stays NULL. */
static char *options_absolute(char *path) {
    char *cwd = path == NULL || path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (cwd == NULL)
        return path;
    char *absolute = xasprintf("%s/%s", cwd, path);
    free(path);
    free(cwd);
    return absolute;
}

static const struct options defaults = {
    .idle_timeout_s = 600,
    .shrink_after_s = 60,
    .job_timeout_ms = COMPILE_TIMEOUT_DEFAULT_MS,
    .host_memory_mib = 1024,
    .big_source = 2 << 20,
    .start_timeout_s = 30,
    .drain_timeout_s = 60,
    .connection_idle_s = 86400,
    .connection_limit = 4096,
    .frame_limit = FRAME_LIMIT_DEFAULT,
    .json = {.depth = JSON_DEPTH_MAX, .values = 100000},
    .open_limit = 1024,
    .pending_limit = (size_t)4 << 20,
    .memory_limit = (size_t)512 << 20,
    .remote.timeout_ms = REMOTE_TIMEOUT_MS_DEFAULT,
};

/* Options that are combined with the environment when all are read. */
struct given_options {
    const char *socket, *hosts, *cache_dir, *cache_key, *remote, *secret_file;
    bool no_cache;
    bool own; /* an option that a daemon would lack which a client starts */
};

/* Takes an option that is not a number. Returns false where it is one. */
static bool options_take(struct options *options, struct given_options *given, int opt) {
    switch (opt) {
    case OPT_BACKGROUND:
        options->background = true;
        break;
    case OPT_INETD:
        options->inetd = true;
        break;
    case OPT_SOCKET:
        given->socket = optarg;
        break;
    case OPT_PYTHON:
        options->python = optarg;
        break;
    case OPT_HOSTS:
        given->hosts = optarg;
        break;
    case OPT_CACHE_DIR:
        given->cache_dir = optarg;
        break;
    case OPT_CACHE_KEY:
        given->cache_key = optarg;
        break;
    case OPT_NO_CACHE:
        given->no_cache = true;
        break;
    case OPT_REMOTE_CACHE:
        given->remote = optarg;
        break;
    case OPT_REMOTE_SECRET_FILE:
        given->secret_file = optarg;
        break;
    case OPT_REMOTE_READ_ONLY:
        options->remote.read_only = true;
        break;
    default:
        return false;
    }
    return true;
}

static bool options_check_python(const char *python) {
    struct python_version version;
    if (python == NULL || *python == '/' || python_version_exact(python, &version))
        return true;
    fprintf(stderr, "pycompiled: --python takes a version such as 3.13, not '%s'\n", python);
    return false;
}

static bool options_check_cache_key(struct options *options, const char *key) {
    options->shares_release = key != NULL && strcmp(key, "release") == 0;
    if (key == NULL || options->shares_release || strcmp(key, "build") == 0)
        return true;
    fprintf(stderr, "pycompiled: --cache-key takes build or release, not '%s'\n", key);
    return false;
}

/* Prints what an option asks for. Returns whether it is such an option. */
static bool options_print(int opt) {
    if (opt == 'h')
        fputs(help, stdout);
    else if (opt == OPT_VERSION)
        puts("pycompiled " PYCOMPILED_VERSION);
    else if (opt == OPT_BUILD_ID)
        puts(build_id);
    else
        return false;
    return true;
}

/* Reads the command line. Returns whether to go on, else the exit status in *status. */
static bool options_read(struct options *options, struct given_options *given, int argc, char **argv, int *status) {
    int opt, index = 0;
    *status = 2;
    while ((opt = getopt_long(argc, argv, "h", long_options, &index)) != -1) {
        if (opt == '?') {
            fputs("Try 'pycompiled --help'.\n", stderr);
            return false;
        }
        if (options_print(opt)) {
            *status = 0;
            return false;
        }
        given->own |= opt != OPT_BACKGROUND && opt != OPT_SOCKET;
        if (!options_take(options, given, opt) && !options_take_number(options, opt, long_options[index].name))
            return false;
    }
    if (!options_check_python(options->python) || !options_check_cache_key(options, given->cache_key))
        return false;
    if (optind < argc)
        fprintf(stderr, "pycompiled: unexpected argument '%s'\n", argv[optind]);
    return optind >= argc;
}

bool options_parse(struct options *options, int argc, char **argv, int *status) {
    struct given_options given = {0};
    char *why;
    *options = defaults;
    options_count_workers(options);
    options->host_limit_mib = options_half_of_memory_mib();
    if (!options_read(options, &given, argc, argv, status))
        return false;
    options->replaceable = options->background && !given.own;
    options->socket_path = given.socket ? xstrdup(given.socket) : paths_socket();
    options->hosts = options_absolute(given.hosts ? xstrdup(given.hosts) : NULL);
    options->cache = options_absolute(given.no_cache ? NULL : folder_locate(given.cache_dir));
    if (options->cache == NULL || remote_options_complete(&options->remote, given.remote, given.secret_file, &why) == 0)
        return true;
    fprintf(stderr, "pycompiled: %s\n", why);
    free(why);
    *status = 2;
    return false;
}

void options_deinit(struct options *options) {
    free(options->socket_path);
    free(options->hosts);
    free(options->cache);
    remote_options_deinit(&options->remote);
}
