/* The exit codes of --exit-codes. Without that option every failure is 1, as in py_compile and compileall. */
#pragma once

#include "proto/json.h"

enum exit_code {
    EXIT_CODE_DONE = 0,
    EXIT_CODE_SOURCE = 1,  /* a source is in error */
    EXIT_CODE_USAGE = 2,   /* the command line, a name or a pattern is wrong */
    EXIT_CODE_SERVICE = 3, /* no daemon, or it could not do the job: crash, time-out, no such Python, interrupt */
    EXIT_CODE_FILES = 4,   /* the file system refused to read or to write something */
};

/* Of a file's error, raw JSON text. */
enum exit_code exit_code_of(struct json_span error);

/* The code of two failures together: the greater one. */
enum exit_code exit_code_join(enum exit_code one, enum exit_code other);
