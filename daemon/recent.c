/* What does not get into the lists costs a comparison. */
#include "daemon/recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* The most bytes of a text: names of files have no bound of their own, and the lists are to stay small. */
#define TEXT_MAX 4096

char *recent_text(struct json_span text) {
    if (text.text == NULL || *text.text != '"')
        return xstrdup("\"?\"");
    if (text.len > TEXT_MAX)
        return xstrdup("\"(too long)\"");
    return xstrndup(text.text, text.len);
}

static char *recent_file(struct json_span params) {
    return recent_text(json_member(params.text, params.len, "file"));
}

static void recent_slow_deinit(struct recent_slow *slow) {
    free(slow->file);
    *slow = (struct recent_slow){0};
}

/* Takes the entry of that file out, if it is there. Returns whether it was slower then: it stays. */
static bool recent_stays(struct recent *recent, const char *file, uint64_t ns) {
    for (unsigned i = 0; i < RECENT_SLOW && recent->slow[i].file != NULL; i++) {
        if (strcmp(recent->slow[i].file, file) != 0)
            continue;
        if (recent->slow[i].ns >= ns)
            return true;
        recent_slow_deinit(&recent->slow[i]);
        memmove(&recent->slow[i], &recent->slow[i + 1], (RECENT_SLOW - 1 - i) * sizeof *recent->slow);
        recent->slow[RECENT_SLOW - 1] = (struct recent_slow){0};
        return false;
    }
    return false;
}

void recent_note_time(struct recent *recent, struct json_span params, uint64_t ns) {
    if (ns <= recent->slow[RECENT_SLOW - 1].ns)
        return;
    char *file = recent_file(params);
    if (recent_stays(recent, file, ns)) {
        free(file);
        return;
    }
    unsigned at = 0;
    while (recent->slow[at].ns >= ns)
        at++;
    recent_slow_deinit(&recent->slow[RECENT_SLOW - 1]);
    memmove(&recent->slow[at + 1], &recent->slow[at], (RECENT_SLOW - 1 - at) * sizeof *recent->slow);
    recent->slow[at] = (struct recent_slow){.file = file, .ns = ns};
}

void recent_note_error(struct recent *recent, struct json_span params, struct json_span message, uint64_t now_ns) {
    recent->last_error = (recent->last_error + 1) % RECENT_ERRORS;
    struct recent_error *error = &recent->errors[recent->last_error];
    free(error->file);
    free(error->message);
    *error = (struct recent_error){.file = recent_file(params), .message = recent_text(message), .at_ns = now_ns};
}

void recent_deinit(struct recent *recent) {
    for (unsigned i = 0; i < RECENT_SLOW; i++)
        recent_slow_deinit(&recent->slow[i]);
    for (unsigned i = 0; i < RECENT_ERRORS; i++) {
        free(recent->errors[i].file);
        free(recent->errors[i].message);
    }
}
