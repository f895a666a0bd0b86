/* Asked once: before 3.13 Py_GetVersion() writes its text anew at each call. */
#include "host/python_release.h"

#include <Python.h>
#include <string.h>

#include "base/buffer.h"

static const char *release, *program;

void python_release_init(const char *executable) {
    const char *version = Py_GetVersion();
    release = xstrndup(version, strcspn(version, " "));
    program = executable;
}

const char *python_release(void) {
    return release;
}

const char *python_cache_tag(void) {
    return PyImport_GetMagicTag();
}

const char *python_executable(void) {
    return program;
}
