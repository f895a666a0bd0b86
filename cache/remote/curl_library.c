/* The functions of the shared library by their names. */
#include "cache/remote/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct curl_library loaded;
static bool complete, ready;
static pthread_once_t loaded_once = PTHREAD_ONCE_INIT, ready_once = PTHREAD_ONCE_INIT;

static const struct {
    const char *name;
    void *place;
} functions[] = {
    {"curl_global_init", &loaded.global_init},
    {"curl_easy_init", &loaded.easy_init},
    {"curl_easy_cleanup", &loaded.easy_cleanup},
    {"curl_easy_setopt", &loaded.easy_setopt},
    {"curl_easy_getinfo", &loaded.easy_getinfo},
    {"curl_easy_strerror", &loaded.easy_strerror},
    {"curl_slist_append", &loaded.slist_append},
    {"curl_slist_free_all", &loaded.slist_free_all},
    {"curl_multi_init", &loaded.multi_init},
    {"curl_multi_cleanup", &loaded.multi_cleanup},
    {"curl_multi_setopt", &loaded.multi_setopt},
    {"curl_multi_add_handle", &loaded.multi_add_handle},
    {"curl_multi_remove_handle", &loaded.multi_remove_handle},
    {"curl_multi_perform", &loaded.multi_perform},
    {"curl_multi_poll", &loaded.multi_poll},
    {"curl_multi_info_read", &loaded.multi_info_read},
};

static void library_load(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    void *object = NULL;
    for (size_t i = 0; object == NULL && i < sizeof names / sizeof *names; i++)
        object = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    complete = object != NULL;
    for (size_t i = 0; complete && i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(object, functions[i].name);
        complete = function != NULL;
        memcpy(functions[i].place, &function, sizeof function);
    }
}

bool curl_library_is_there(void) {
    pthread_once(&loaded_once, library_load);
    return complete;
}

static void library_init(void) {
    ready = curl_library_is_there() && loaded.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const struct curl_library *curl_library(void) {
    pthread_once(&ready_once, library_init);
    return ready ? &loaded : NULL;
}
