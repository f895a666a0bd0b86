/* A decimal number in the environment. */
#include "client/patience.h"

#include <limits.h>
#include <stdlib.h>

#define PATIENCE_DEFAULT_MS 30000

int patience_ms(void) {
    const char *text = getenv("PYCOMPILED_PATIENCE");
    char *end;
    double seconds = text != NULL ? strtod(text, &end) : 0;
    return text != NULL && *end == '\0' && seconds > 0 && seconds < INT_MAX / 1000 ? (int)(seconds * 1000)
                                                                                   : PATIENCE_DEFAULT_MS;
}
