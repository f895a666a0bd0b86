/* The daemon's options for the remote tier of the cache, from the command line and the environment. */
#pragma once

#include <stdbool.h>

/* All strings are owned. Without a URL there is no remote tier. */
struct remote_options {
    char *url;
    char *shown;  /* the URL for people, without a password */
    char *secret; /* what entries are sealed with; see cache/remote_seal.h */
    unsigned timeout_ms;
    bool read_only;
};

/* Completes *options: the URL (NULL: $PYCOMPILED_REMOTE_CACHE) and the secret, which is the content of `secret_file`
 * (NULL: of $PYCOMPILED_REMOTE_SECRET_FILE; else the value of $PYCOMPILED_REMOTE_SECRET). False, with a message in *why
 * that the caller frees, where they cannot be used. */
bool remote_options_complete(struct remote_options *options, const char *url, const char *secret_file, char **why);
void remote_options_deinit(struct remote_options *options);
