/* Texts that any reader takes. */
#include "client/results/format.h"

#include "client/stderr_text.h"

void results_append_message(struct buffer *out, const struct results_entry *entry, const struct finding *finding) {
    if (entry->python != NULL)
        buffer_printf(out, "Python %s: ", entry->python);
    stderr_text_append(out, finding->message);
}

void results_append_string(struct buffer *out, const char *text) {
    struct buffer clean = {0};
    stderr_text_append(&clean, text);
    json_print_string(buffer_string(&clean), out);
    buffer_deinit(&clean);
}
