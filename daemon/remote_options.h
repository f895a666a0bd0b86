/* The settings of the cache's remote tier. */
#pragma once

#include <stdbool.h>

/* The remote tier of the cache. All strings are owned. Without a URL there is no remote tier. */
struct remote_options {
    char *url;
    char *shown;  /* the URL for people, without a password */
    char *secret; /* the key that entries are sealed with (cache/remote/seal.h) */
    unsigned timeout_ms;
    bool read_only;
};

/* Completes the options of the remote cache: the URL (NULL: $PYCOMPILED_REMOTE_CACHE) and the secret, which is the
 * content of `secret_file` (NULL: of $PYCOMPILED_REMOTE_SECRET_FILE; else the value of $PYCOMPILED_REMOTE_SECRET).
 * Returns 0, or a negative errno value with a message in *why, which the caller frees. */
int remote_options_complete(struct remote_options *options, const char *url, const char *secret_file, char **why);
void remote_options_deinit(struct remote_options *options);
