/* Names in, answers out: the functions that client/batch.h calls. */
#include "client/compile/file_batch.h"

#include <stdlib.h>

#include "client/batch.h"
#include "client/compile_params.h"

struct work {
    struct names *names;
    const struct compile_request *request;
    struct report *report;
    struct compile_params params;
};

/* A name and its answer. */
struct item {
    char *file;
    char *answer; /* raw JSON text, NULL before it is there */
    size_t answer_len;
    bool failed; /* the answer is an error */
};

static void set_answer(struct item *item, struct json_span text, bool failed) {
    item->answer = xstrndup(text.text, text.len);
    item->answer_len = text.len;
    item->failed = failed;
}

static enum batch_next next(struct batch_item *out, void *context) {
    struct work *work = context;
    const char *file;
    bool truncated;
    switch (names_next(work->names, &file, &truncated)) {
    case NAMES_WAIT:
        return BATCH_WAIT;
    case NAMES_END:
        return BATCH_END;
    case NAMES_READY:
        break;
    }
    struct item *item = xcalloc(1, sizeof *item);
    item->file = xstrdup(file);
    if (truncated) {
        static const char error[] = "{\"code\":-32602,\"message\":\"embedded null byte in the name\"}";
        set_answer(item, (struct json_span){error, sizeof error - 1}, true);
    }
    *out = (struct batch_item){.tag = item, .asks = !truncated};
    return BATCH_ITEM;
}

static int fill(void *context) {
    struct work *work = context;
    return names_fill(work->names);
}

static void ask(void *tag, struct buffer *params, void *context) {
    struct work *work = context;
    struct item *item = tag;
    compile_params_append(&work->params, item->file, work->request->dfile, work->request->optimize, params);
}

static bool answered(void *tag, const struct batch_answer *answer, void *context) {
    (void)context;
    bool failed = answer->error.text != NULL;
    set_answer(tag, failed ? answer->error : answer->result, failed);
    return false;
}

static void drop(void *tag, void *context) {
    (void)context;
    struct item *item = tag;
    free(item->file);
    free(item->answer);
    free(item);
}

static bool take(void *tag, void *context) {
    struct work *work = context;
    struct item *item = tag;
    struct json_span text = {item->answer, item->answer_len};
    bool go_on = report_take(work->report, item->file, text, item->failed);
    drop(tag, context);
    return go_on;
}

static bool flush(void *context) {
    struct work *work = context;
    return report_flush(work->report);
}

static void update(size_t open, const void *oldest, void *context) {
    struct work *work = context;
    const struct item *item = oldest;
    progress_update(work->report->progress, work->names->next - open, names_total(work->names),
                    item ? item->file : NULL);
}

int file_batch_run(struct run_link *link, struct names *names, const struct compile_request *request,
                   struct report *report, char **why) {
    struct work work = {.names = names, .request = request, .report = report};
    struct batch batch = {
        .link = link,
        .progress = report->progress,
        .source_fd = names->fd,
        .wake_fd = -1,
        .context = &work,
        .next = next,
        .fill = fill,
        .ask = ask,
        .answered = answered,
        .take = take,
        .drop = drop,
        .flush = flush,
        .update = update,
    };
    compile_params_init(&work.params, request);
    int result = batch_run(&batch, why);
    compile_params_deinit(&work.params);
    return result;
}
