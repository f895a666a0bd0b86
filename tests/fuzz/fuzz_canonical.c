/* Fuzzes cache/canonical: no input may make it read out of bounds, and the canonical form of a canonical form is
 * itself. The first byte chooses the version of CPython. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/python_version.h"
#include "cache/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_canonical(bool truth) {
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    unsigned minor = PYTHON_MINOR_OLDEST + data[0] % (PYTHON_MINOR_NEWEST - PYTHON_MINOR_OLDEST + 1);
    struct buffer once = {0}, twice = {0};
    if (canonical_stream(data + 1, size - 1, minor, &once)) {
        require_canonical(canonical_stream(once.data, once.len, minor, &twice));
        require_canonical(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    } else {
        require_canonical(once.len == 0);
    }
    buffer_deinit(&once);
    buffer_deinit(&twice);
    return 0;
}
