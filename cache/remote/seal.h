/* Names and values of entries on the remote server. Without the farm's secret nobody can plant an entry, and nobody can
 * tell whether a source that he has was compiled in the farm. Entries are not encrypted.
 *
 * A name is a keyed hash of the entry's key. A value is a seal, which is a keyed hash (BLAKE2b, RFC 7693) of key and
 * entry, followed by the entry. Both hashes need the secret. A value that was made without the secret, changed, or
 * moved from another name is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/store.h"

/* The least number of bytes of a secret. */
#define REMOTE_SECRET_MIN 16

/* The version of the format of names and values. Programs of another format use another prefix, and never see these
 * values. */
#define REMOTE_NAME_PREFIX "pycompiled:1:"
#define REMOTE_NAME_SIZE (sizeof REMOTE_NAME_PREFIX + 2 * STORE_KEY_SIZE)

/* Keys that are derived from the secret. */
struct remote_keys {
    uint8_t naming[32], sealing[32];
};

void remote_seal_derive(const char *secret, struct remote_keys *keys);

/* Sets the name of the key, NUL-terminated. */
void remote_seal_name(const struct remote_keys *keys, const struct store_key *key, char name[REMOTE_NAME_SIZE]);

/* Appends the value of an entry: seal and entry. */
void remote_seal(const struct remote_keys *keys, const struct store_key *key, const void *entry, size_t len,
                 struct buffer *value);

/* Whether the value was sealed for the key; if so, appends its entry. The value may be any bytes. */
bool remote_unseal(const struct remote_keys *keys, const struct store_key *key, const void *value, size_t len,
                   struct buffer *entry);
