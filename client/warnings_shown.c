/* A list of what was shown once. */
#include "client/warnings_shown.h"

#include <stdlib.h>
#include <string.h>

#include "client/stderr_text.h"
#include "proto/json.h"

void warnings_shown_deinit(struct warnings_shown *shown) {
    for (size_t i = 0; i < shown->once_count; i++)
        free(shown->once[i]);
    free(shown->once);
    *shown = (struct warnings_shown){0};
}

/* The place of a text among those that were shown once; adds it where it is not there. Takes the text. */
static size_t find_or_add(struct warnings_shown *shown, char *key) {
    for (size_t i = 0; i < shown->once_count; i++) {
        if (strcmp(shown->once[i], key) == 0) {
            free(key);
            return i;
        }
    }
    shown->once = xrealloc(shown->once, (shown->once_count + 1) * sizeof *shown->once);
    shown->once[shown->once_count] = key;
    return shown->once_count++;
}

/* Whether the action "once" forbids to show the warning again in this process: an earlier file has shown one of the
 * first `earlier` texts. What one file shows twice its interpreter has: it forgets what was shown when filters change,
 * as they do while CPython 3.14 looks for the misspelt keyword of an error. */
static bool is_repeated(struct warnings_shown *shown, const cJSON *warning, size_t earlier) {
    if (!json_get_bool(warning, "once"))
        return false;
    const char *category = json_get_string(warning, "category"), *message = json_get_string(warning, "message");
    char *key = xasprintf("%s: %s", category ? category : "", message ? message : "");
    return find_or_add(shown, key) < earlier;
}

void warnings_shown_append(struct warnings_shown *shown, struct buffer *err, const cJSON *warnings, bool of_options) {
    size_t earlier = shown->once_count;
    const cJSON *warning;
    cJSON_ArrayForEach(warning, warnings) {
        const char *text = json_get_string(warning, "text");
        bool is_option = json_get_string(warning, "category") == NULL;
        if (text != NULL && is_option == of_options && !is_repeated(shown, warning, earlier))
            stderr_text_append(err, text);
    }
}
