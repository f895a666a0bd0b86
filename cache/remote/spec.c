/* A word is a setting where letters, digits and hyphens stand before its first "=", with an "@" before them for a
 * setting of the protocol's own; a word without "=" is one where it has no ":". */
#include "cache/remote/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/percent.h"

#define SPACE " \t\r\n"

static bool spec_is_setting(const char *word, size_t len) {
    size_t start = len > 0 && *word == '@';
    size_t name = start + strspn(word + start, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return name > start && (name >= len || word[name] == '=');
}

/* Adds the setting of the word. Returns NULL or what is wrong. */
static const char *spec_add(struct spec *spec, const char *word, const char *end) {
    const char *equal = memchr(word, '=', (size_t)(end - word));
    struct spec_setting *setting = &spec->settings[spec->count];
    if (spec->count == SPEC_SETTINGS_MAX)
        return "a URL has too many settings";
    setting->value = equal != NULL ? percent_decode(equal + 1, end) : xstrdup("");
    if (setting->value == NULL)
        return "the value of a setting is badly encoded";
    setting->name = xstrndup(word, (size_t)((equal != NULL ? equal : end) - word));
    spec->count++;
    return NULL;
}

int spec_next(const char **text, struct spec *spec, char **why) {
    const char *word = *text + strspn(*text, SPACE), *error = NULL;
    size_t len = strcspn(word, SPACE);
    *spec = (struct spec){0};
    if (len == 0)
        return 0;
    if (spec_is_setting(word, len))
        error = "a setting stands before the first URL";
    else
        spec->url = xstrndup(word, len);
    while (error == NULL) {
        word += len;
        *text = word;
        word += strspn(word, SPACE);
        len = strcspn(word, SPACE);
        if (len == 0 || !spec_is_setting(word, len))
            return 1;
        error = spec_add(spec, word, word + len);
    }
    spec_deinit(spec);
    *why = xasprintf("not a remote cache's URL: %s", error);
    return -EINVAL;
}

void spec_deinit(struct spec *spec) {
    for (size_t i = 0; i < spec->count; i++) {
        free(spec->settings[i].name);
        free(spec->settings[i].value);
    }
    free(spec->url);
    *spec = (struct spec){0};
}
