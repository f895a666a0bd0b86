/* The facts about a Python version that a client needs to judge .pyc files itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/run_link.h"

struct python_info {
    char *python;      /* "3.13", or the path of an interpreter */
    char *xy;          /* its version, "3.13"; NULL: unknown */
    char *interpreter; /* the interpreter that the host was built for, or that is named; or NULL */
    char *version;     /* "3.13.0", of that interpreter, or NULL */
    char *cache_tag;   /* "cpython-313"; NULL: neither this nor the magic number is known */
    uint32_t magic;
};

/* Asks the daemon which host serves `wanted` ("3.13", the path of an interpreter; NULL: its default), and reads what
 * the build has left beside that host. Returns 0, or a negative errno value with a message, which the caller frees: no
 * such version, no answer. The caller calls python_info_deinit(). */
int python_info_ask(struct run_link *link, const char *wanted, struct python_info *info, char **why);

/* What the build has left beside the host of that path; without the file nothing is known, `python` never. The caller
 * calls python_info_deinit(). */
void python_info_of_host(struct python_info *info, const char *host);
void python_info_deinit(struct python_info *info);
