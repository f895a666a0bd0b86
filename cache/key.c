/* See key.h. */
#include "cache/key.h"

#include <string.h>

#include <sodium.h>

/* Each part goes in with its length, so that no two lists of parts are the same bytes. */
static void add(crypto_generichash_state *state, const void *data, size_t len) {
    uint64_t length = len;
    crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
    crypto_generichash_update(state, data, len);
}

static void add_number(crypto_generichash_state *state, int64_t number) {
    add(state, &number, sizeof number);
}

/* An option ACTION:MESSAGE:CATEGORY:MODULE:LINE with a module. */
static bool names_module(const char *option) {
    for (int i = 0; i < 3; i++) {
        option = strchr(option, ':');
        if (option == NULL)
            return false;
        option++;
    }
    option += strspn(option, " \t");
    return *option != '\0' && *option != ':';
}

bool cache_name_matters(const char *name, const cJSON *warnings) {
    const cJSON *option;
    if (strcmp(name, "__main__.py") == 0 || strcmp(name, "__main__") == 0)
        return true;
    cJSON_ArrayForEach(option, warnings) {
        if (names_module(option->valuestring))
            return true;
    }
    return false;
}

void cache_key_of(const struct cache_question *question, struct store_key *key) {
    crypto_generichash_state state;
    const cJSON *option;
    crypto_generichash_init(&state, NULL, 0, sizeof key->bytes);
    add(&state, PYCOMPILED_VERSION, strlen(PYCOMPILED_VERSION));
    add(&state, question->python, strlen(question->python));
    add_number(&state, question->magic);
    add_number(&state, question->optimize > 0 ? question->optimize : 0);
    add_number(&state, cJSON_GetArraySize(question->warnings));
    cJSON_ArrayForEach(option, question->warnings)
        add(&state, option->valuestring, strlen(option->valuestring));
    add_number(&state, question->name != NULL);
    if (question->name != NULL)
        add(&state, question->name, strlen(question->name));
    add(&state, question->source, question->len);
    crypto_generichash_final(&state, key->bytes, sizeof key->bytes);
}
