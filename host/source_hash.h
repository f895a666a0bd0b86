/* The hash of a source in a hash-based .pyc: importlib.util.source_hash(). Needs no interpreter. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* SipHash of the source under the key that CPython uses: the first word of its .pyc files.
 * `rounds`: for each word of the source, 2 up to CPython 3.10, 1 since. */
uint64_t source_hash(uint32_t magic, unsigned rounds, const void *source, size_t len);
