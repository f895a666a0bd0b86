/* A server of the remote tier: a URL, whose scheme says of which kind the server is, and its settings. */
#pragma once

#include "cache/remote/transport.h"

struct remote_address {
    const struct transport_kind *kind;
    void *place;    /* of its kind; owned */
    bool read_only; /* nothing is stored there */
    char *shown;    /* for people: without user, password and other secrets; owned */
};

/* Takes the text apart. Returns 0, or -EINVAL with a message in *why, which the caller frees; then `address` is empty.
 * The message shows no secret. */
int remote_address_parse(const char *text, struct remote_address *address, char **why);
void remote_address_deinit(struct remote_address *address);
