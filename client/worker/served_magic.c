/* The build has put a file of facts beside each host; those of interpreters that are named at run time are the same. */
#include "client/worker/served_magic.h"

#include <stdlib.h>
#include <string.h>

#include "base/host_programs.h"
#include "client/python_info.h"

/* The magic number of the host at that path; 0 if it is unknown. */
static unsigned served_magic_of(const char *host) {
    struct python_info info;
    python_info_of_host(&info, host);
    unsigned magic = info.magic & 0xffff;
    python_info_deinit(&info);
    return magic;
}

/* A search for a magic number. */
struct served_magic {
    unsigned wanted;
    const char *python;   /* the only version that counts, or NULL: all */
    char *found;          /* the version that has it, or NULL */
    struct buffer others; /* the versions that have another one, for people */
};

static void served_magic_look(struct served_magic *search, const char *python, const char *host) {
    if (search->found != NULL || (search->python != NULL && strcmp(search->python, python) != 0))
        return;
    unsigned magic = served_magic_of(host);
    if (magic == search->wanted)
        search->found = xstrdup(python);
    else if (magic != 0)
        buffer_printf(&search->others, "%s%u (%s)", search->others.len > 0 ? ", " : "", magic, python);
}

/* The same for the object of a version that has no host: its facts have the name that a host's would have. */
static void served_magic_look_object(struct served_magic *search, const struct host_programs *programs,
                                     const struct python_version *version) {
    char *python = xasprintf("%u.%u", version->major, version->minor);
    char *host = xasprintf("%s-%s", programs->launcher, python);
    served_magic_look(search, python, host);
    free(host);
    free(python);
}

static bool served_magic_has_host(const struct host_programs *programs, const struct python_version *version) {
    for (unsigned i = 0; i < programs->count; i++)
        if (python_version_compare(&programs->items[i].version, version) == 0)
            return true;
    return false;
}

static void served_magic_search(struct served_magic *search) {
    struct host_programs programs;
    host_programs_find(&programs, NULL);
    for (unsigned i = 0; i < programs.count; i++)
        served_magic_look(search, programs.items[i].python, programs.items[i].path);
    for (unsigned i = 0; i < programs.object_count && programs.launcher != NULL; i++)
        if (!served_magic_has_host(&programs, &programs.objects[i]))
            served_magic_look_object(search, &programs, &programs.objects[i]);
    host_programs_deinit(&programs);
}

char *served_magic_choose(unsigned magic, char **python) {
    struct served_magic search = {.wanted = magic, .python = *python};
    char *why = NULL;
    if (magic == 0)
        return NULL;
    served_magic_search(&search);
    if (search.found == NULL)
        why = xasprintf("no host for Python%s%s makes files with the magic number %u; served: %s",
                        *python != NULL ? " " : "", *python != NULL ? *python : "", magic,
                        search.others.len > 0 ? buffer_string(&search.others) : "none");
    if (*python == NULL)
        *python = search.found;
    else
        free(search.found);
    buffer_deinit(&search.others);
    return why;
}
