/* Follows Lib/compileall.py of CPython 3.13: compile_file. */
#include "client/compileall/item.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/os_error.h"
#include "client/compileall/hardlink.h"
#include "client/compileall/python_text.h"
#include "client/compileall/texts.h"

struct compileall_item *compileall_item_new(char *path, char *dfile) {
    struct compileall_item *item = xcalloc(1, sizeof *item);
    item->item.name = item->path = path;
    item->dfile = dfile;
    return item;
}

struct compileall_item *compileall_item_free(struct compileall_item *item) {
    if (item == NULL)
        return NULL;
    free(item->path);
    free(item->dfile);
    free(item->cfile);
    buffer_deinit(&item->before);
    buffer_deinit(&item->out);
    buffer_deinit(&item->warnings);
    free(item);
    return NULL;
}

struct compileall_item *compileall_item_of(struct batch_item *item) {
    return list_entry(item, struct compileall_item, item);
}

/* A line of --json. */
static void add_json(struct compileall_item *item, const char *name, struct json_span value, int optimize) {
    buffer_append_string(&item->out, "{\"file\":");
    json_print_string(item->path, &item->out);
    if (optimize >= 0)
        buffer_printf(&item->out, ",\"optimize\":%d", optimize);
    buffer_printf(&item->out, ",\"%s\":", name);
    buffer_append(&item->out, value.text, value.len);
    buffer_append_string(&item->out, "}\n");
}

bool compileall_item_check_level(struct compileall_item *item, const struct compileall_options *options) {
    int level = options->optimize[item->level];
    if (level >= -1 && level <= 2)
        return true;
    item->compiled = item->failed = true;
    static const char words[] = "Sorry: ValueError: compile(): invalid optimize value";
    static const char error[] = "{\"code\":-32602,\"message\":\"compile(): invalid optimize value\"}";
    if (options->shared.json)
        add_json(item, "error", (struct json_span){error, sizeof error - 1}, level);
    else
        compileall_say_failure(&item->out, options->quiet, item->path, words);
    return false;
}

static char *read_cfile(struct json_span result) {
    const char *why;
    cJSON *tree = json_parse(result.text, result.len, &why);
    const char *cfile = json_get_string(tree, "cfile");
    char *copy = cfile ? xstrdup(cfile) : NULL;
    cJSON_Delete(tree);
    return copy;
}

/* Links this level's .pyc to that of the level before if they are equal. */
static void link_dupe(struct compileall_item *item, const struct compileall_options *options, struct json_span result) {
    char *cfile = read_cfile(result);
    int error = item->level > 0 && cfile && item->cfile ? hardlink_if_same(item->cfile, cfile) : 0;
    if (error != 0) {
        struct buffer words = {0};
        buffer_printf(&words, "%s: [Errno %d] %s: ", os_error_class(-error), -error, strerror(-error));
        python_text_repr(&words, item->cfile);
        buffer_append_string(&words, " -> ");
        python_text_repr(&words, cfile);
        compileall_say_failure(&item->out, options->quiet, item->path, buffer_string(&words));
        buffer_deinit(&words);
        item->failed = true;
    }
    free(item->cfile);
    item->cfile = cfile;
}

/* Warnings are shown in the items' order, since the action "once" depends on it. */
static void keep_warnings(struct compileall_item *item, struct json_span holder) {
    if (holder.text == NULL || *holder.text != '{')
        return;
    struct json_span warnings = json_member(holder.text, holder.len, "warnings");
    if (warnings.text == NULL || warnings.len <= 2)
        return;
    buffer_append(&item->warnings, warnings.text, warnings.len);
    buffer_append_char(&item->warnings, '\0');
}

bool compileall_item_answered(struct compileall_item *item, const struct compileall_options *options,
                              const struct batch_answer *answer) {
    bool failed = answer->error.text != NULL;
    struct json_span text = failed ? answer->error : answer->result;
    if (failed || !json_span_is(json_member(text.text, text.len, "outcome"), "\"up-to-date\""))
        item->compiled = true;
    item->failed = item->failed || failed;
    if (options->shared.json) {
        add_json(item, failed ? "error" : "result", text, options->optimize[item->level]);
    } else {
        keep_warnings(item, failed ? json_member(text.text, text.len, "data") : text);
        if (failed)
            compileall_say_error(&item->out, options->quiet, item->path, text);
    }
    if (!failed && options->hardlink_dupes)
        link_dupe(item, options, text);
    if (item->failed || item->level + 1 == options->optimize_count)
        return false;
    item->level++;
    return compileall_item_check_level(item, options);
}
