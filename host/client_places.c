/* Each worker is a thread, and remembers one folder. */
#include "host/client_places.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/place.h"

#define PLACE_FRESH_US 1000
#define PLACE_SIZE_MAX 512

static _Thread_local struct {
    char place[PLACE_SIZE_MAX];
    char cwd[PLACE_SIZE_MAX];
    int64_t seen_us; /* clock_us() when the place was last found here; 0: never */
} known;

static bool place_is_known(const char *place, const char *cwd, int64_t now_us) {
    return known.seen_us != 0 && now_us - known.seen_us < PLACE_FRESH_US && strcmp(known.place, place) == 0 &&
           strcmp(known.cwd, cwd) == 0;
}

static void place_remember(const char *place, const char *cwd, int64_t now_us) {
    size_t place_len = strlen(place), cwd_len = strlen(cwd);
    if (place_len >= PLACE_SIZE_MAX || cwd_len >= PLACE_SIZE_MAX)
        return;
    memcpy(known.place, place, place_len + 1);
    memcpy(known.cwd, cwd, cwd_len + 1);
    known.seen_us = now_us;
}

const char *client_places_foreign(const cJSON *places, int dir_fd, const char *cwd) {
    const cJSON *item;
    const char *start = cwd != NULL ? cwd : "";
    int64_t now_us = clock_us();
    cJSON_ArrayForEach(item, places) {
        if (place_is_known(item->valuestring, start, now_us))
            continue;
        if (!place_is_here(dir_fd, item->valuestring))
            return place_path(item->valuestring);
        place_remember(item->valuestring, start, now_us);
    }
    return NULL;
}
