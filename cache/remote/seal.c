/* Two keys are derived from the secret, one for names and one for seals. */
#include "cache/remote/seal.h"

#include <string.h>

#include <sodium.h>

#define SEAL_SIZE 32

static void seal_derive(const char *secret, const char *purpose, uint8_t *out, size_t size) {
    crypto_generichash(out, size, (const uint8_t *)secret, strlen(secret), (const uint8_t *)purpose, strlen(purpose));
}

void remote_seal_derive(const char *secret, struct remote_keys *keys) {
    seal_derive(secret, "pycompiled: names of entries", keys->naming, sizeof keys->naming);
    seal_derive(secret, "pycompiled: seals of entries", keys->sealing, sizeof keys->sealing);
}

void remote_seal_name(const struct remote_keys *keys, const struct store_key *key, char name[REMOTE_NAME_SIZE]) {
    uint8_t hash[STORE_KEY_SIZE];
    size_t prefix = strlen(REMOTE_NAME_PREFIX);
    crypto_generichash(hash, sizeof hash, key->bytes, sizeof key->bytes, keys->naming, sizeof keys->naming);
    memcpy(name, REMOTE_NAME_PREFIX, prefix);
    sodium_bin2hex(name + prefix, REMOTE_NAME_SIZE - prefix, hash, sizeof hash);
}

/* The key has a fixed size, so no length stands between key and entry. */
static void seal_make(const struct remote_keys *keys, const struct store_key *key, const void *entry, size_t len,
                      uint8_t seal[SEAL_SIZE]) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys->sealing, sizeof keys->sealing, SEAL_SIZE);
    crypto_generichash_update(&state, key->bytes, sizeof key->bytes);
    crypto_generichash_update(&state, entry, len);
    crypto_generichash_final(&state, seal, SEAL_SIZE);
}

void remote_seal(const struct remote_keys *keys, const struct store_key *key, const void *entry, size_t len,
                 struct buffer *value) {
    uint8_t seal[SEAL_SIZE];
    seal_make(keys, key, entry, len, seal);
    buffer_reserve(value, sizeof seal + len);
    buffer_append(value, seal, sizeof seal);
    buffer_append(value, entry, len);
}

bool remote_unseal(const struct remote_keys *keys, const struct store_key *key, const void *value, size_t len,
                   struct buffer *entry) {
    uint8_t seal[SEAL_SIZE];
    const uint8_t *given = value;
    if (len < sizeof seal)
        return false;
    seal_make(keys, key, given + sizeof seal, len - sizeof seal, seal);
    if (sodium_memcmp(seal, given, sizeof seal) != 0)
        return false;
    buffer_append(entry, given + sizeof seal, len - sizeof seal);
    return true;
}
