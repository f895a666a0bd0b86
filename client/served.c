/* The versions of a status come newest first (base/host_programs.h). */
#include "client/served.h"

#include <string.h>

#include "base/python_search.h"

static const cJSON *served_versions(const cJSON *status) {
    return cJSON_GetObjectItemCaseSensitive(status, "interpreter_versions");
}

bool served_has(const cJSON *status, const struct python_version *version) {
    const cJSON *item;
    cJSON_ArrayForEach(item, served_versions(status)) {
        struct python_version served;
        if (cJSON_IsString(item) && python_version_exact(item->valuestring, &served) &&
            python_version_compare(&served, version) == 0)
            return true;
    }
    return false;
}

char *served_find(const cJSON *status, const char *specifier) {
    char *found = NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, served_versions(status)) {
        struct python_version version;
        if (found == NULL && cJSON_IsString(item) && python_version_exact(item->valuestring, &version) &&
            (specifier == NULL || python_version_allowed(&version, specifier)))
            found = python_search_find(&version, NULL);
    }
    return found;
}
