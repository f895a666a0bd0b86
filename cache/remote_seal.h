/* What the remote tier keeps, and under which names, so that who has not the farm's secret can neither plant an entry
 * nor tell whether a source that he has was compiled.
 *
 * A name is a keyed hash of the entry's key; a value is a keyed hash (BLAKE2b, RFC 7693) of key and entry, followed by
 * the entry. Both need the secret: a value that another has written, or has moved from another name, is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/store.h"

/* Bytes that a secret has at least. */
#define REMOTE_SECRET_MIN 16

/* The format of names and values; another one's are not met. */
#define REMOTE_NAME_PREFIX "pycompiled:1:"
#define REMOTE_NAME_SIZE (sizeof REMOTE_NAME_PREFIX + 2 * STORE_KEY_SIZE)

/* What is derived of the secret. */
struct remote_keys {
    uint8_t naming[32], sealing[32];
};

void remote_seal_derive(const char *secret, struct remote_keys *keys);

/* The name, NUL-terminated. */
void remote_seal_name(const struct remote_keys *keys, const struct store_key *key, char name[REMOTE_NAME_SIZE]);

/* Appends the value of an entry. */
void remote_seal(const struct remote_keys *keys, const struct store_key *key, const void *entry, size_t len,
                 struct buffer *value);

/* Appends the entry of a value. False: it is not one that was sealed for the key. */
bool remote_unseal(const struct remote_keys *keys, const struct store_key *key, const void *value, size_t len,
                   struct buffer *entry);
