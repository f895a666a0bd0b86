/* Identities are made by base/place.h. */
#include "client/places.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/place.h"

static void places_add(cJSON *places, const char *path, bool itself) {
    char *place = path != NULL && *path != '\0' ? place_make(AT_FDCWD, path, itself) : NULL;
    if (place != NULL)
        cJSON_AddItemToArray(places, cJSON_CreateString(place));
    free(place);
}

cJSON *places_of(const struct compile_request *request) {
    cJSON *places = cJSON_CreateArray();
    places_add(places, request->file, false);
    places_add(places, request->cfile, false);
    places_add(places, request->pycache_prefix, true);
    return places;
}

cJSON *places_encode(const struct compile_request *request) {
    struct compile_request whole = *request;
    cJSON *places = places_of(request);
    whole.places = places;
    cJSON *params = compile_request_encode(&whole);
    cJSON_Delete(places);
    return params;
}
