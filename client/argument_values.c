/* See argument_values.h. */
#include "client/argument_values.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

char *argument_int(const char *text, long min, long max, long *number) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool digits = end != text;
    while (isspace((unsigned char)*end))
        end++;
    if (!digits || *end != '\0')
        return xasprintf("invalid int value: '%s'", text);
    if (errno != 0 || value < min || value > max)
        return xasprintf("not from %ld to %ld: '%s'", min, max, text);
    *number = value;
    return NULL;
}

char *argument_choice(const char *text, const struct schema_choice *choices, int *value) {
    struct buffer names = {0};
    for (; choices->name != NULL; choices++) {
        if (strcmp(choices->name, text) == 0) {
            *value = choices->value;
            buffer_deinit(&names);
            return NULL;
        }
        buffer_printf(&names, "%s'%s'", names.len ? ", " : "", choices->name);
    }
    char *why = xasprintf("invalid choice: '%s' (choose from %s)", text, buffer_string(&names));
    buffer_deinit(&names);
    return why;
}
