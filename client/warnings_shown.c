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

/* Whether the action "once" forbids to show the warning again in this process. */
static bool is_repeated(struct warnings_shown *shown, const cJSON *warning) {
    if (!json_get_bool(warning, "once"))
        return false;
    const char *category = json_get_string(warning, "category"), *message = json_get_string(warning, "message");
    char *key = xasprintf("%s: %s", category ? category : "", message ? message : "");
    for (size_t i = 0; i < shown->once_count; i++) {
        if (strcmp(shown->once[i], key) == 0) {
            free(key);
            return true;
        }
    }
    shown->once = xrealloc(shown->once, (shown->once_count + 1) * sizeof *shown->once);
    shown->once[shown->once_count++] = key;
    return false;
}

void warnings_shown_append(struct warnings_shown *shown, struct buffer *err, const cJSON *warnings, bool of_options) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, warnings) {
        const char *text = json_get_string(warning, "text");
        bool is_option = json_get_string(warning, "category") == NULL;
        if (text != NULL && is_option == of_options && !is_repeated(shown, warning))
            stderr_text_append(err, text);
    }
}
