/* See remote_options.h. */
#include "daemon/remote_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cache/remote_link.h"
#include "cache/remote_seal.h"
#include "cache/remote_url.h"

#define SECRET_MAX 4096

/* The variable's value; NULL where it is empty, too. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* The file's content, without the newlines at its end. NULL with errno set. */
static char *read_secret(const char *path) {
    struct buffer text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    ssize_t got = read(fd, buffer_reserve(&text, SECRET_MAX), SECRET_MAX);
    int error = errno;
    close(fd);
    if (got < 0) {
        buffer_deinit(&text);
        errno = error;
        return NULL;
    }
    text.len = (size_t)got;
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    return buffer_string(&text);
}

static bool find_secret(struct remote_options *options, const char *file, char **why) {
    const char *value = variable("PYCOMPILED_REMOTE_SECRET");
    if (file == NULL)
        file = variable("PYCOMPILED_REMOTE_SECRET_FILE");
    options->secret = file != NULL ? read_secret(file) : value != NULL ? xstrdup(value) : NULL;
    if (options->secret != NULL && strlen(options->secret) >= REMOTE_SECRET_MIN)
        return true;
    if (file != NULL && options->secret == NULL)
        *why = xasprintf("the remote cache's secret cannot be read: %s: %s", file, strerror(errno));
    else
        *why = xasprintf(
            "a remote cache needs a secret of %d bytes or more, which all its users share, so that nobody else "
            "can plant bytecode: see --remote-secret-file",
            REMOTE_SECRET_MIN);
    return false;
}

static bool check_url(struct remote_options *options, char **why) {
    struct remote_url url;
    if (remote_url_parse(options->url, &url, why) < 0)
        return false;
    options->shown = remote_url_show(&url);
    bool tls = url.tls;
    remote_url_deinit(&url);
    if (remote_link_is_supported(tls))
        return true;
    *why = xstrdup(remote_link_is_supported(false)
                       ? "pycompiled was built without TLS for a remote cache (hiredis_ssl, OpenSSL)"
                       : "pycompiled was built without a remote cache (hiredis)");
    return false;
}

bool remote_options_complete(struct remote_options *options, const char *url, const char *secret_file, char **why) {
    if (url == NULL)
        url = variable("PYCOMPILED_REMOTE_CACHE");
    if (url == NULL)
        return true;
    options->url = xstrdup(url);
    return check_url(options, why) && find_secret(options, secret_file, why);
}

void remote_options_deinit(struct remote_options *options) {
    free(options->url);
    free(options->shown);
    free(options->secret);
}
