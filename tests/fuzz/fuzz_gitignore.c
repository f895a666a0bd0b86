/* Fuzzes the matching of .gitignore files: the steps that it takes are bounded by the lengths, so no pattern is slow.
 * The input is a text of rules, a NUL, and a path. */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/watch/gitignore.h"
#include "tests/fuzz/deadline.h"

#define DEADLINE_MS 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    if (nul == NULL)
        return 0;
    size_t text_len = (size_t)(nul - data);
    char *path = xstrndup((const char *)nul + 1, size - text_len - 1);
    long begin = deadline_cpu_ms();
    struct gitignore *rules = gitignore_parse((const char *)data, text_len);
    for (int is_folder = 0; is_folder < 2; is_folder++) {
        unsigned steps = UINT_MAX;
        gitignore_check(rules, path, is_folder != 0, &steps);
        uint64_t taken = UINT_MAX - steps, lines = text_len + 1, bound = (text_len + lines) * (strlen(path) + 2);
        if (memchr(data, '[', text_len) != NULL)
            bound *= text_len; /* a bracket costs what it is long */
        if (taken > bound)
            abort();
    }
    gitignore_free(rules);
    deadline_check(begin, DEADLINE_MS);
    free(path);
    return 0;
}
