/* Follows Lib/compileall.py of CPython 3.13. */
#include "client/compileall/texts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client/compileall/python_text.h"
#include "client/stderr_text.h"
#include "proto/rpc.h"

static void say(struct buffer *out, const char *before, const char *name, const char *behind) {
    buffer_append_string(out, before);
    python_text_repr(out, name);
    buffer_append_string(out, behind);
}

void compileall_say_listing(struct buffer *out, const char *folder) {
    say(out, "Listing ", folder, "...\n");
}

void compileall_say_unlistable(struct buffer *out, const char *folder) {
    say(out, "Can't list ", folder, "\n");
}

void compileall_say_not_stripped(struct buffer *out, const char *strip, const char *path) {
    say(out, "The stripdir path ", strip, " is not a valid prefix for source path ");
    say(out, "", path, "; ignoring\n");
}

void compileall_say_compiling(struct buffer *out, const char *path) {
    say(out, "Compiling ", path, "...\n");
}

void compileall_say_failure(struct buffer *out, int quiet, const char *path, const char *python, const char *words) {
    if (quiet >= 2)
        return;
    if (quiet == 1)
        say(out, "*** Error compiling ", path, "...\n");
    else
        buffer_append_string(out, "*** ");
    if (python != NULL)
        buffer_printf(out, "Python %s: ", python);
    stderr_text_append(out, words);
    buffer_append_char(out, '\n');
}

/* The words of an exception: a PyCompileError's text alone, any other exception's text after its class. */
static char *words_of(const cJSON *error) {
    int code = (int)json_get_integer(error, "code", INT_MIN, INT_MAX, 0);
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(error, "data");
    const char *msg = json_get_string(data, "msg"), *type = json_get_string(data, "type");
    if (code == RPC_PY_COMPILE_ERROR && msg != NULL)
        return xstrdup(msg);
    if (code == RPC_OS_ERROR && msg != NULL)
        return xasprintf("%s: %s", type ? type : "OSError", msg);
    const char *message = json_get_string(error, "message");
    if (code == RPC_INTERNAL_ERROR && msg != NULL && message != NULL)
        return xstrdup(message); /* an exception that compileall ends with, and the others' with it */
    return xasprintf("%s: %s", rpc_code_name(code), message ? message : "");
}

void compileall_say_error(struct buffer *out, int quiet, const char *path, const char *python, struct json_span error) {
    const char *why;
    cJSON *tree = json_parse(error.text, error.len, &why);
    char *words = words_of(tree);
    compileall_say_failure(out, quiet, path, python, words);
    free(words);
    cJSON_Delete(tree);
}
