/* The URL and the secret, each from an option or the environment. */
#include "daemon/remote_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cache/remote/address.h"
#include "cache/remote/seal.h"

/* A longer secret of the remote cache is cut. */
#define SECRET_MAX 4096

/* The variable's value; NULL if it is empty or not set. */
static const char *remote_options_variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* Reads the file's content, without the newlines at its end, into *secret (owned). Returns 0 or a negative errno value.
 */
static int remote_options_read_secret(const char *path, char **secret) {
    struct buffer text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, buffer_reserve(&text, SECRET_MAX), SECRET_MAX);
    int error = got < 0 ? -errno : 0;
    close(fd);
    if (error < 0) {
        buffer_deinit(&text);
        return error;
    }
    text.len = (size_t)got;
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    *secret = buffer_string(&text);
    return 0;
}

/* Returns 0, or a negative errno value with a message in *why. */
static int remote_options_find_secret(struct remote_options *options, const char *file, char **why) {
    const char *value = remote_options_variable("PYCOMPILED_REMOTE_SECRET");
    int status = 0;
    if (file == NULL)
        file = remote_options_variable("PYCOMPILED_REMOTE_SECRET_FILE");
    if (file != NULL)
        status = remote_options_read_secret(file, &options->secret);
    else if (value != NULL)
        options->secret = xstrdup(value);
    if (status < 0) {
        *why = xasprintf("the remote cache's secret cannot be read: %s: %s", file, strerror(-status));
        return status;
    }
    if (options->secret != NULL && strlen(options->secret) >= REMOTE_SECRET_MIN)
        return 0;
    *why =
        xasprintf("a remote cache needs a secret of %d bytes or more, which all its users share, so that nobody else "
                  "can plant bytecode: see --remote-secret-file",
                  REMOTE_SECRET_MIN);
    return -EINVAL;
}

/* Returns 0, or a negative errno value with a message in *why. */
static int remote_options_check_url(struct remote_options *options, char **why) {
    struct remote_address address;
    if (remote_address_parse(options->url, &address, why) < 0)
        return -EINVAL;
    options->shown = xstrdup(address.shown);
    const char *missing = address.kind->missing(address.place);
    remote_address_deinit(&address);
    if (missing != NULL)
        *why = xstrdup(missing);
    return missing != NULL ? -ENOTSUP : 0;
}

int remote_options_complete(struct remote_options *options, const char *url, const char *secret_file, char **why) {
    if (url == NULL)
        url = remote_options_variable("PYCOMPILED_REMOTE_CACHE");
    if (url == NULL)
        return 0;
    options->url = xstrdup(url);
    int status = remote_options_check_url(options, why);
    return status < 0 ? status : remote_options_find_secret(options, secret_file, why);
}

void remote_options_deinit(struct remote_options *options) {
    free(options->url);
    free(options->shown);
    free(options->secret);
}
