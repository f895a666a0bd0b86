/* The commands of pycompilectl, and functions that they share. Each command gets its own argv (argv[0] is its name),
 * prints text for a person or, in some cases, JSON, and returns the exit status. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "client/rpc_client.h"

/* The longest that a command waits for an answer. */
#define CTL_DEADLINE_MS 10000

/* Exit status of `status` if no daemon runs (as systemctl's). */
#define CTL_NOT_RUNNING 3

int ctl_start(int argc, char **argv);
int ctl_stop(int argc, char **argv);
int ctl_restart(int argc, char **argv);
int ctl_status(int argc, char **argv);
int ctl_doctor(int argc, char **argv);
int ctl_metrics(int argc, char **argv);
int ctl_top(int argc, char **argv);
int ctl_python(int argc, char **argv);
int ctl_watch(int argc, char **argv);
int ctl_cache(int argc, char **argv);

/* Where the options of a command go; NULL: the command does not have that option. */
struct ctl_options {
    const char *help;
    bool *json;
    int *wait_ms; /* --wait SECONDS */
    bool *force;
    bool *all;
    const char **output; /* --output FILE */
};

/* Reads the options of a command. Help and mistakes end the process. */
void ctl_options(int argc, char **argv, const struct ctl_options *options);

/* The socket of the daemon that this build's programs use, or would use. The caller frees. */
char *ctl_socket(void);

/* Connects to a daemon that runs. Returns 1; 0 if none runs; a negative errno value after a message on standard error.
 * After 1 the caller calls rpc_client_deinit(). */
int ctl_connect(struct rpc_client *client, const char *path);

/* Prints "pycompilectl: TEXT" on standard error. */
void ctl_say(const char *text);

/* Prints "pycompilectl: TEXT" on standard error and frees `text`. Returns 1. */
int ctl_fail(char *text);

/* Prints a tree as one line on standard output. */
void ctl_print_json(const cJSON *tree);

/* Flushes standard output. Returns `status`, or 1 after a message if it cannot be written. */
int ctl_finish(int status);
