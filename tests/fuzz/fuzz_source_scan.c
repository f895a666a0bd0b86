/* The scan of a source before it is compiled. Checked: nothing beyond its end is read, and it ends in time. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/source_scan.h"
#include "tests/fuzz/deadline.h"

/* CPU time for an input, under the sanitizers. */
#define LIMIT_MS 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long begin = deadline_cpu_ms();
    char *copy = malloc(size ? size : 1); /* exactly as long, so that a read beyond it is seen */
    if (size > 0)
        memcpy(copy, data, size);
    source_scan_has_latin_name(copy, size, false);
    source_scan_has_latin_name(copy, size, true);
    source_scan_has_equal_sets(copy, size);
    free(copy);
    deadline_check(begin, LIMIT_MS);
    return 0;
}
