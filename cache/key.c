/* The walk over the table of parameters, and the hash. */
#include "cache/key.h"

#include <string.h>

#include <sodium.h>

#include "cache/entry.h"

/* Each part goes in with its length, so that no two lists of parts are the same bytes. */
static void key_add(crypto_generichash_state *state, const void *data, size_t len) {
    uint64_t length = len;
    crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
    crypto_generichash_update(state, data, len);
}

static void key_add_number(crypto_generichash_state *state, int64_t number) {
    key_add(state, &number, sizeof number);
}

/* A string that is not given is another than the empty one. */
static void key_add_string(crypto_generichash_state *state, const char *text) {
    key_add_number(state, text != NULL);
    if (text != NULL)
        key_add(state, text, strlen(text));
}

/* An array that is not given is the empty one. */
static void key_add_strings(crypto_generichash_state *state, const cJSON *array) {
    const cJSON *item;
    key_add_number(state, cJSON_GetArraySize(array));
    cJSON_ArrayForEach(item, array)
        key_add(state, item->valuestring, strlen(item->valuestring));
}

static void key_add_parameter(crypto_generichash_state *state, const struct schema_field *row, const void *slot) {
    key_add(state, row->name, strlen(row->name));
    switch (row->type) {
    case SCHEMA_STRING:
        key_add_string(state, *(const char *const *)slot);
        break;
    case SCHEMA_BOOL:
        key_add_number(state, *(const bool *)slot);
        break;
    case SCHEMA_INT:
    case SCHEMA_CHOICE:
        key_add_number(state, *(const int *)slot);
        break;
    case SCHEMA_STRINGS:
        key_add_strings(state, *(const cJSON *const *)slot);
        break;
    }
}

/* What stands for the same gets the same value. */
static struct compile_request normalised(const struct compile_request *request) {
    struct compile_request same = *request;
    same.optimize = compile_request_level(request);
    return same;
}

static void key_add_request(crypto_generichash_state *state, const struct compile_request *request) {
    const struct compile_request same = normalised(request);
    for (size_t i = 0; i < compile_parameter_count; i++) {
        const struct schema_field *row = &compile_parameters[i];
        if (row->marks & COMPILE_EFFECT_VALUE)
            key_add_parameter(state, row, (const char *)&same + row->offset);
    }
    const char *name = compile_request_name(request);
    key_add_string(state, key_name_matters(name, request->warnings) ? name : NULL);
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

/* linecache finds no lines of such a file. */
static bool is_in_brackets(const char *name) {
    return name[0] == '<' && name[strlen(name) - 1] == '>';
}

bool key_name_matters(const char *name, const cJSON *warnings) {
    const cJSON *option;
    if (strstr(name, "__main__") != NULL || is_in_brackets(name))
        return true;
    cJSON_ArrayForEach(option, warnings) {
        if (names_module(option->valuestring))
            return true;
    }
    return false;
}

void key_of_question(const struct key_question *question, struct store_key *key) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof key->bytes);
    key_add(&state, PYCOMPILED_VERSION, strlen(PYCOMPILED_VERSION));
    key_add_number(&state, ENTRY_FORMAT);
    key_add(&state, question->python, strlen(question->python));
    key_add_number(&state, question->magic);
    key_add_request(&state, question->request);
    key_add(&state, question->source, question->len);
    crypto_generichash_final(&state, key->bytes, sizeof key->bytes);
}
