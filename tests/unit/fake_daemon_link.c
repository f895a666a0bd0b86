/* A stand-in for client/lsp/daemon_link.c. */
#include "tests/unit/fake_daemon_link.h"

#include <stdlib.h>

static struct fake_call *fake_call_of(struct list *link) {
    return list_entry(link, struct fake_call, link);
}

static void fake_call_free(struct fake_call *call) {
    list_remove(&call->link);
    buffer_deinit(&call->params);
    free(call);
}

void daemon_link_init(struct daemon_link *link) {
    *link = (struct daemon_link){0};
    list_init(&link->calls);
}

void daemon_link_deinit(struct daemon_link *link) {
    while (!list_empty(&link->calls))
        fake_call_free(fake_call_of(link->calls.next));
    free(link->folder);
    free(link->python);
}

void daemon_link_set_python(struct daemon_link *link, const char *folder, const char *python) {
    free(link->folder);
    free(link->python);
    link->folder = folder ? xstrdup(folder) : NULL;
    link->python = python ? xstrdup(python) : NULL;
}

void daemon_link_warm_up(struct daemon_link *link) {
}

int64_t daemon_link_call(struct daemon_link *link, const char *method, cJSON *params, daemon_done *done,
                         void *context) {
    struct fake_call *call = xcalloc(1, sizeof *call);
    *call = (struct fake_call){.id = ++link->last_id, .method = method, .done = done, .context = context};
    json_print(params, &call->params);
    cJSON_Delete(params);
    list_append(&link->calls, &call->link);
    return call->id;
}

void daemon_link_drop(struct daemon_link *link, int64_t id) {
    list_each(at, &link->calls) {
        if (fake_call_of(at)->id == id)
            fake_call_free(fake_call_of(at));
    }
}

size_t fake_daemon_pending(const struct daemon_link *link) {
    size_t count = 0;
    list_each(at, &link->calls) {
        count++;
    }
    return count;
}

struct fake_call *fake_daemon_oldest(const struct daemon_link *link) {
    return list_empty(&link->calls) ? NULL : fake_call_of(link->calls.next);
}

void fake_daemon_answer(struct daemon_link *link, const char *result, const char *error, const char *why) {
    struct fake_call *call = fake_daemon_oldest(link);
    cJSON *tree = result || error ? cJSON_Parse(result ? result : error) : NULL;
    struct daemon_answer answer = {result ? tree : NULL, error ? tree : NULL, why};
    list_remove(&call->link);
    call->done(call->context, &answer);
    fake_call_free(call);
    cJSON_Delete(tree);
}
