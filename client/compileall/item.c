/* Follows Lib/compileall.py of CPython 3.13: compile_file. */
#include "client/compileall/item.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/os_error.h"
#include "client/compileall/hardlink.h"
#include "client/compileall/python_text.h"
#include "client/compileall/texts.h"
#include "proto/rpc.h"

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

static void item_fail(struct compileall_item *item, enum exit_code status) {
    item->outcome = OUTCOME_FAILED;
    item->bad |= 1u << item->python;
    item->status = exit_code_join(item->status, status);
}

/* The Python that is asked for, where there are several, or NULL. */
static const char *python_of(const struct compileall_item *item, const struct compileall_output *output) {
    return output->python_count > 1 ? output->options->pythons[item->python] : NULL;
}

static void add_result(struct compileall_item *item, const struct compileall_output *output, struct json_span text,
                       bool failed) {
    int level = output->options->optimize[item->level];
    const struct results_entry entry = {item->path, python_of(item, output), level, text, failed};
    results_add(output->results, &entry, &item->out);
}

bool compileall_item_check_level(struct compileall_item *item, const struct compileall_output *output) {
    const struct compileall_options *options = output->options;
    int level = options->optimize[item->level];
    if (level >= -1 && level <= 2)
        return true;
    item_fail(item, EXIT_CODE_USAGE);
    static const char words[] = "Sorry: ValueError: compile(): invalid optimize value";
    static const char error[] = "{\"code\":-32602,\"message\":\"compile(): invalid optimize value\"}";
    if (results_is_on(output->results))
        add_result(item, output, (struct json_span){error, sizeof error - 1}, true);
    else
        compileall_say_failure(&item->out, options->quiet, item->path, python_of(item, output), words);
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

/* Appends the error that a daemon would give for a link that fails; the warnings are those of the result. */
static void append_link_error(struct buffer *out, int error, const char *first, const char *cfile,
                              struct json_span result) {
    struct json_span warnings = json_member(result.text, result.len, "warnings");
    struct buffer msg = {0};
    buffer_printf(&msg, "[Errno %d] %s: ", error, strerror(error));
    python_text_repr(&msg, first);
    buffer_append_string(&msg, " -> ");
    python_text_repr(&msg, cfile);
    buffer_printf(out, "{\"code\":%d,\"message\":", RPC_OS_ERROR);
    json_print_string(buffer_string(&msg), out);
    buffer_printf(out, ",\"data\":{\"type\":\"%s\",\"errno\":%d,\"strerror\":", os_error_class(error), error);
    json_print_string(strerror(error), out);
    buffer_append_string(out, ",\"filename\":");
    json_print_string(first, out);
    buffer_append_string(out, ",\"filename2\":");
    json_print_string(cfile, out);
    buffer_append_string(out, ",\"msg\":");
    json_print_string(buffer_string(&msg), out);
    if (warnings.text != NULL) {
        buffer_append_string(out, ",\"warnings\":");
        buffer_append(out, warnings.text, warnings.len);
    }
    buffer_append_string(out, "}}");
    buffer_deinit(&msg);
}

/* Links this level's .pyc to that of the level before if they are equal. Appends an error to `out` if that fails. */
static void link_dupe(struct compileall_item *item, struct json_span result, struct buffer *out) {
    char *cfile = read_cfile(result);
    int status = item->level > 0 && cfile && item->cfile ? hardlink_if_same(item->cfile, cfile) : 0;
    if (status < 0)
        append_link_error(out, -status, item->cfile, cfile, result);
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

static void say_pythons(const struct compileall_item *item, const struct compileall_output *output, bool bad,
                        struct buffer *out) {
    const char *comma = " ";
    for (size_t i = 0; i < output->python_count; i++) {
        if ((item->bad >> i & 1) != bad)
            continue;
        buffer_append_string(out, comma);
        buffer_append_string(out, output->options->pythons[i]);
        comma = ", ";
    }
}

void compileall_item_say_verdict(const struct compileall_item *item, const struct compileall_output *output,
                                 struct buffer *out) {
    if (output->python_count < 2 || item->bad == 0 || output->options->quiet >= 2)
        return;
    python_text_repr(out, item->path);
    bool none = item->bad == (1u << output->python_count) - 1;
    if (!none) {
        buffer_append_string(out, " compiles on");
        say_pythons(item, output, false, out);
        buffer_append_char(out, ',');
    }
    buffer_append_string(out, none ? " does not compile on" : " not on");
    say_pythons(item, output, true, out);
    buffer_append_char(out, '\n');
}

bool compileall_item_answered(struct compileall_item *item, const struct compileall_output *output,
                              const struct batch_answer *answer) {
    const struct compileall_options *options = output->options;
    struct buffer link_error = {0};
    if (answer->error.text == NULL && options->hardlink_dupes)
        link_dupe(item, answer->result, &link_error);
    struct json_span error = link_error.len > 0 ? (struct json_span){link_error.data, link_error.len} : answer->error;
    bool failed = error.text != NULL;
    struct json_span text = failed ? error : answer->result;
    enum outcome outcome = failed ? OUTCOME_FAILED : outcome_of(text);
    if (failed)
        item_fail(item, exit_code_of(text));
    else if (outcome > item->outcome)
        item->outcome = outcome;
    if (results_is_on(output->results)) {
        add_result(item, output, text, failed);
    } else {
        keep_warnings(item, failed ? json_member(text.text, text.len, "data") : text);
        if (failed)
            compileall_say_error(&item->out, options->quiet, item->path, python_of(item, output), text);
    }
    buffer_deinit(&link_error);
    bool is_bad = (item->bad >> item->python & 1) != 0;
    if (!is_bad && item->level + 1 < options->optimize_count) {
        item->level++;
    } else if (item->python + 1 < output->python_count) {
        item->python++;
        item->level = 0;
    } else {
        return false;
    }
    return compileall_item_check_level(item, output);
}
