/* Names in, answers out: the functions that client/batch.h calls. */
#include "client/compile/file_batch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "client/batch.h"
#include "client/compile/held_source.h"
#include "client/compile_params.h"
#include "client/fallback.h"
#include "client/interrupt.h"

struct file_batch {
    struct names *names;
    const struct compile_request *request;
    struct report *report;
    struct compile_params params;
    char *held; /* a name that waits until all names before it are done, since reading its source here may take long; or
                   NULL */
    size_t open;
    struct file_rest *rest;
    char *hindrance; /* why the daemon cannot do the work, or NULL; owned */
};

/* A name and its answer. */
struct file_item {
    struct batch_item item;
    char *file;
    struct held_source *source; /* or NULL: the daemon reads the file */
    char *answer;               /* raw JSON text, NULL before it is there */
    size_t answer_len;
    bool failed; /* the answer is an error */
};

static void file_item_answer(struct file_item *item, struct json_span text, bool failed) {
    item->answer = xstrndup(text.text, text.len);
    item->answer_len = text.len;
    item->failed = failed;
    item->item.held = text.len;
}

/* Makes an item; takes the name. */
static struct file_item *file_item_new(struct file_batch *batch, char *file) {
    struct file_item *item = xcalloc(1, sizeof *item);
    struct progress *progress = batch->report->progress;
    item->file = file;
    item->item = (struct batch_item){.name = file, .asks = true};
    batch->open++;
    progress->found += !progress->all_found;
    return item;
}

/* Reads the source here. If that fails, the daemon fails too, with py_compile's message; but a daemon that opens a pipe
 * again reads nothing, so a source that is too long is refused here. */
static void file_item_hold(struct file_item *item) {
    static const char too_long[] = "{\"code\":-32603,\"message\":\"the source is too long to be read from here\"}";
    item->source = xcalloc(1, sizeof *item->source);
    int result = held_source_read(item->source, item->file);
    if (result == 0)
        return;
    held_source_deinit(item->source);
    free(item->source);
    item->source = NULL;
    if (result == -EFBIG)
        file_item_answer(item, (struct json_span){too_long, sizeof too_long - 1}, true);
}

/* The held name, if no item before it is open. */
static enum batch_next file_batch_take_held(struct file_batch *batch, struct batch_item **out) {
    if (batch->open > 0)
        return BATCH_HOLD;
    (void)report_flush(batch->report); /* an error comes again at the next call */
    struct file_item *item = file_item_new(batch, batch->held);
    batch->held = NULL;
    file_item_hold(item);
    batch->rest->consumed = batch->rest->consumed || item->source != NULL;
    item->item.asks = item->answer == NULL;
    *out = &item->item;
    return BATCH_ITEM;
}

static enum batch_next file_batch_next(struct batch_item **out, void *context) {
    struct file_batch *batch = context;
    const char *file;
    bool truncated;
    if (batch->held != NULL)
        return file_batch_take_held(batch, out);
    switch (names_next(batch->names, &file, &truncated)) {
    case NAMES_WAIT:
        return BATCH_WAIT;
    case NAMES_END:
        batch->report->progress->all_found = true;
        return BATCH_END;
    case NAMES_READY:
        break;
    }
    if (!truncated && held_source_is(file)) {
        batch->held = xstrdup(file);
        return file_batch_take_held(batch, out);
    }
    struct file_item *item = file_item_new(batch, xstrdup(file));
    if (truncated) {
        static const char error[] = "{\"code\":-32602,\"message\":\"embedded null byte in the name\"}";
        file_item_answer(item, (struct json_span){error, sizeof error - 1}, true);
        item->item.asks = false;
    }
    *out = &item->item;
    return BATCH_ITEM;
}

static struct file_item *file_item_of(struct batch_item *item) {
    return list_entry(item, struct file_item, item);
}

/* A source that was read here is sent with the request. A copy of it in memory has another name for the daemon. */
static void file_batch_ask(struct batch_item *asked, struct buffer *params, void *context) {
    struct file_batch *batch = context;
    const struct compile_request *request = batch->request;
    struct file_item *item = file_item_of(asked);
    const struct held_source *source = item->source;
    bool is_copy = source != NULL && source->is_copy;
    const char *dfile = request->dfile ? request->dfile : is_copy ? item->file : NULL;
    compile_params_append(&batch->params, is_copy ? source->path : item->file, dfile, request->optimize,
                          source != NULL && source->is_own ? source->path : NULL, params);
    if (source == NULL || is_copy)
        return;
    params->len--; /* without the brace */
    buffer_append_string(params, source->copy_path ? ",\"source_copy\":" : ",\"source\":");
    json_print_string(source->copy_path ? source->copy_path : source->bytes.data, params);
    buffer_append_string(params, ",\"source_file\":");
    json_print_string(source->path, params);
    buffer_append_char(params, '}');
}

static bool file_batch_answered(struct batch_item *item, const struct batch_answer *answer, void *context) {
    struct file_batch *batch = context;
    bool failed = answer->error.text != NULL;
    batch->report->progress->done++;
    file_item_answer(file_item_of(item), failed ? answer->error : answer->result, failed);
    return false;
}

static void file_batch_drop(struct batch_item *dropped, void *context) {
    struct file_batch *batch = context;
    struct file_item *item = file_item_of(dropped);
    if (item->source != NULL)
        held_source_deinit(item->source);
    free(item->source);
    free(item->file);
    free(item->answer);
    free(item);
    batch->open--;
}

static bool file_batch_take(struct batch_item *taken, void *context) {
    struct file_batch *batch = context;
    struct file_item *item = file_item_of(taken);
    struct json_span text = {item->answer, item->answer_len};
    if (batch->rest->wanted && !batch->rest->consumed && item->failed)
        batch->hindrance = fallback_reason(text);
    if (batch->hindrance != NULL) {
        file_batch_drop(taken, context);
        return false;
    }
    batch->rest->done++;
    batch->rest->consumed = false;
    bool go_on = report_take(batch->report, item->file, text, item->failed);
    batch->report->progress->done += !taken->asks;
    file_batch_drop(taken, context);
    return go_on;
}

static bool file_batch_flush(void *context) {
    struct file_batch *batch = context;
    return report_flush(batch->report) && !interrupt_has_come();
}

static const struct batch_owner file_batch_owner = {
    .next = file_batch_next,
    .ask = file_batch_ask,
    .answered = file_batch_answered,
    .take = file_batch_take,
    .drop = file_batch_drop,
    .flush = file_batch_flush,
};

int file_batch_run(struct run_link *link, struct names *names, const struct compile_request *request,
                   struct report *report, struct file_rest *rest, char **why) {
    struct file_batch work = {.names = names, .request = request, .report = report, .rest = rest};
    struct batch batch = {
        .link = link,
        .progress = report->progress,
        .names = names,
        .wake_fd = link->wake_fd,
        .owner = &file_batch_owner,
        .context = &work,
    };
    compile_params_init(&work.params, request);
    report->progress->found = names_total(names);
    report->progress->all_found = report->progress->found > 0;
    int result = batch_run(&batch, why);
    compile_params_deinit(&work.params);
    free(work.held);
    if (result == 0 && work.hindrance != NULL) {
        *why = work.hindrance;
        return -ENOTCONN;
    }
    return result;
}
