/* pycompilectl cache: the cache of compiled sources. It is on disk, so no daemon is needed. */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/folder.h"
#include "cache/store.h"
#include "client/arguments.h"

static const char usage[] = "usage: pycompilectl cache [-h] [--dir DIR] [--json] command [size]\n";

static const char help[] =
    "\n"
    "The cache of compiled sources: what was compiled once is not compiled again, wherever the file is.\n"
    "\n"
    "commands:\n"
    "  stats       show what is in it, and what it was good for\n"
    "  clear       throw everything away\n"
    "  verify      check every entry and throw away the damaged ones; the exit status is 1 if there were any\n"
    "  limit SIZE  let it take so many bytes of disk (K, M, G behind the number), at least 16M\n"
    "\n"
    "options:\n"
    "  -h, --help  show this help message and exit\n"
    "  --dir DIR   the cache's folder (default: $PYCOMPILED_CACHE_DIR, else $XDG_CACHE_HOME/pycompiled,\n"
    "              else ~/.cache/pycompiled)\n"
    "  --json      print one line of JSON\n";

struct command_line {
    const char *folder;
    bool json;
};

static char *cache_take(int id, const char *value, void *context) {
    struct command_line *line = context;
    if (id == 'd') {
        line->folder = value;
    } else if (id == 'j') {
        line->json = true;
    } else {
        fputs(usage, stdout);
        fputs(help, stdout);
        exit(ctl_finish(0));
    }
    return NULL;
}

static cJSON *facts_tree(const char *folder, const struct store_facts *facts) {
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"entries", facts->entries}, {"bytes", facts->bytes},     {"file_bytes", facts->file_bytes},
        {"limit", facts->limit},     {"hits", facts->hits},       {"misses", facts->misses},
        {"stored", facts->stored},   {"evicted", facts->evicted}, {"damaged", facts->damaged},
    };
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddStringToObject(tree, "folder", folder);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cJSON_AddNumberToObject(tree, all[i].name, (double)all[i].value);
    return tree;
}

static double mib(uint64_t bytes) {
    return (double)bytes / (1 << 20);
}

/* The object of a command. */
struct cache_run {
    struct store *store; /* NULL for a command that does not open it */
    const char *folder;
    const char *size; /* of `limit`, else NULL */
    bool json;
};

static int cache_stats(const struct cache_run *run) {
    struct store_facts facts;
    store_read_facts(run->store, &facts);
    if (run->json) {
        cJSON *tree = facts_tree(run->folder, &facts);
        ctl_print_json(tree);
        cJSON_Delete(tree);
        return 0;
    }
    printf("folder   %s\n", run->folder);
    printf("entries  %" PRIu64 ", %.1f MiB of at most %.0f\n", facts.entries, mib(facts.bytes), mib(facts.limit));
    printf("so far   %" PRIu64 " hits, %" PRIu64 " misses, %" PRIu64 " stored, %" PRIu64 " evicted, %" PRIu64
           " damaged\n",
           facts.hits, facts.misses, facts.stored, facts.evicted, facts.damaged);
    return 0;
}

static int cache_verify(const struct cache_run *run) {
    struct store_facts facts;
    uint64_t damaged = store_verify(run->store);
    store_read_facts(run->store, &facts);
    if (run->json)
        printf("{\"entries\":%" PRIu64 ",\"damaged\":%" PRIu64 "}\n", facts.entries, damaged);
    else
        printf("%" PRIu64 " entries, %" PRIu64 " damaged and removed\n", facts.entries, damaged);
    return damaged > 0;
}

/* Reads a number of bytes with K, M or G behind it. Returns 0 if it is malformed. */
static uint64_t read_size(const char *text) {
    static const char units[] = "KMG";
    char *end;
    errno = 0;
    unsigned long long size = strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
    if (errno != 0 || end == text || *text == '-' || (*end != '\0' && (unit == NULL || end[1] != '\0')) ||
        size > UINT64_MAX >> shift)
        return 0;
    return (uint64_t)size << shift;
}

#define LIMIT_RANGE "a limit is a size from 16M to 1024G, not '%s'"

static int cache_limit(const struct cache_run *run) {
    uint64_t limit = read_size(run->size);
    if (limit < STORE_LIMIT_MIN || limit > STORE_LIMIT_MAX)
        return ctl_fail(xasprintf(LIMIT_RANGE, run->size));
    int error = store_set_limit(run->store, limit);
    return error < 0 ? ctl_fail(xasprintf("the cache cannot be written anew: %s", strerror(-error))) : 0;
}

/* Returns 0, or a negative errno value with a message in *why. */
static int clear_stamps(const char *path, char **why) {
    int fd = folder_open(path, why);
    if (fd < 0)
        return fd;
    int status = folder_remove_stamps(fd, NULL, NULL);
    if (status < 0)
        *why = xasprintf("the stamps of environments in %s cannot be removed: %s", path, strerror(-status));
    close(fd);
    return status;
}

/* The store is not opened, since it may be in any state. */
static int cache_clear(const struct cache_run *run) {
    char *why;
    bool failed = store_clear_folder(run->folder, &why) < 0 || clear_stamps(run->folder, &why) < 0;
    return failed ? ctl_fail(why) : 0;
}

struct cache_command {
    const char *name;
    size_t words;     /* its own included */
    bool opens_store; /* else it gets none */
    int (*run)(const struct cache_run *run);
};

static const struct cache_command cache_commands[] = {
    {"stats", 1, true, cache_stats},
    {"clear", 1, false, cache_clear},
    {"verify", 1, true, cache_verify},
    {"limit", 2, true, cache_limit},
};

/* Finds the command by its words. A mistake ends the process. */
static const struct cache_command *find_command(const struct arguments *arguments, size_t count, char **words) {
    for (size_t i = 0; i < sizeof cache_commands / sizeof *cache_commands; i++) {
        const struct cache_command *command = &cache_commands[i];
        if (strcmp(words[0], command->name) != 0)
            continue;
        if (count > command->words)
            arguments_error(arguments, "unrecognized arguments: %s", words[command->words]);
        if (count < command->words)
            arguments_error(arguments, "the following arguments are required: size");
        if (command->words > 1 && read_size(words[1]) == 0)
            arguments_error(arguments, "argument size: " LIMIT_RANGE, words[1]);
        return command;
    }
    arguments_error(arguments, "argument command: invalid choice: '%s' (choose from stats, clear, verify, limit)",
                    words[0]);
}

int ctl_cache(int argc, char **argv) {
    static const struct argument table[] = {{'h', "help", ARGUMENT_CALL, 0, 'h', 0, 0, NULL},
                                            {0, "dir", ARGUMENT_CALL_VALUE, 0, 'd', 0, 0, NULL},
                                            {0, "json", ARGUMENT_CALL, 0, 'j', 0, 0, NULL}};
    struct command_line line = {0};
    const struct arguments arguments = {
        .prog = "pycompilectl cache", .usage = usage, .table = table, .count = 3, .take = cache_take, .context = &line};
    size_t count = arguments_parse(&arguments, argc, argv, "command");
    const struct cache_command *command = find_command(&arguments, count, argv + 1);
    char *why = NULL, *folder = folder_locate(line.folder);
    if (folder == NULL)
        return ctl_fail(xstrdup("there is no home folder to have a cache in: see --dir"));
    struct store *store = command->opens_store ? store_open(folder, 0, &why) : NULL;
    struct cache_run run = {store, folder, count > 1 ? argv[2] : NULL, line.json};
    int status = store != NULL || !command->opens_store ? command->run(&run) : ctl_fail(why);
    store_close(store);
    free(folder);
    return ctl_finish(status);
}
