/* Compiles any number of files over one connection: a window of requests is in flight, answers are
 * handed out in the order of the names, and what a lost daemon left unanswered is asked once more.
 * Memory is bounded by the window, however many names there are. */
#pragma once

#include <stdbool.h>

#include "client/names.h"
#include "client/progress.h"
#include "proto/compile.h"
#include "proto/json.h"

/* One file's answer: the raw text of result or error, the other's text is NULL. */
struct batch_answer {
    const char *file;
    struct json_span result;
    struct json_span error;
};

struct batch {
    const char *socket_path;
    struct names *names;
    struct compile_request request; /* what all files share; `file` is set for each */
    struct progress *progress;
    /* Takes the answers in order; the answer is valid during the call. Returns false to stop. */
    bool (*take)(const struct batch_answer *answer, void *context);
    /* Called before waiting, and at the end: buffered output should be written. May be NULL.
     * Returns false to stop. */
    bool (*flush)(void *context);
    void *context;
};

/* Runs to the end or until told to stop: then nothing more is sent and the connection closes, so
 * that the daemon drops what has not begun. Returns 0, or -1 with a message, which the caller
 * frees: no daemon can be reached, or the names cannot be read. */
int batch_run(const struct batch *batch, char **why);
