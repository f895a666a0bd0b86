/* The configuration texts of the client: .venv/pyvenv.cfg, .python-version and pyproject.toml, and the version
 * specifiers of requires-python. The first byte of an input tells which; the rest is the text. Checked: a wish has
 * either a version, a specifier, an unknown name or a path, and names the file that says so. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/python_version.h"
#include "client/python_wish.h"
#include "tests/fuzz/deadline.h"

/* CPU time for an input, under the sanitizers. */
#define LIMIT_MS 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {".venv/pyvenv.cfg", ".python-version", "pyproject.toml"};
static char folder[] = "/tmp/pycompiled-fuzz-wish-XXXXXX";

static void remove_folder(void) {
    for (size_t i = 0; i < 3; i++)
        unlink(names[i]);
    rmdir(".venv");
    rmdir(folder);
}

/* The folder is the working directory, and goes when the fuzzer ends. */
static void make_folder(void) {
    static const char *const variables[] = {"VIRTUAL_ENV", "UV_PYTHON", "CONDA_PREFIX", "PYENV_VERSION"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    if (mkdtemp(folder) == NULL || chdir(folder) < 0 || mkdir(".venv", 0700) < 0)
        abort();
    atexit(remove_folder);
}

static void write_file(const char *name, const uint8_t *text, size_t len) {
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len)
        abort();
    close(fd);
}

static void find_wish(void) {
    struct python_wish wish;
    if (!python_wish_find(&wish, folder))
        return;
    bool has_no_version = wish.specifier != NULL || wish.unknown != NULL || wish.path != NULL;
    if (wish.source == NULL || (wish.version.major == 0) != has_no_version || wish.version.major > 999999 ||
        (wish.release != NULL && wish.version.major == 0))
        abort();
    if (wish.specifier != NULL)
        python_version_allowed(&(struct python_version){3, 13}, wish.specifier);
    python_wish_deinit(&wish);
}

static void check_specifier(const char *text) {
    struct python_version version;
    bool parses = python_version_parse(text, &version);
    if (python_version_exact(text, &version) && version.major > 0 && !parses)
        abort();
    for (unsigned minor = 9; minor < 16; minor++)
        python_version_allowed(&(struct python_version){3, minor}, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int ready;
    long begin = deadline_cpu_ms();
    if (size == 0)
        return 0;
    if (!ready)
        make_folder();
    ready = 1;
    unsigned kind = *data % 4u;
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    check_specifier(text);
    if (kind < 3) {
        write_file(names[kind], data + 1, size - 1);
        find_wish();
        unlink(names[kind]);
    }
    free(text);
    deadline_check(begin, LIMIT_MS);
    return 0;
}
