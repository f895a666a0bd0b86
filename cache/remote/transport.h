/* How values travel to and from a server of the remote tier: one interface for all kinds of servers.
 *
 * A transport is a connection, or a set of them, which one thread uses. It is asked many things at once, and takes as
 * few round trips for them as its protocol can. It knows neither keys nor seals: a name is a text of hexadecimal digits
 * behind a prefix (cache/remote/seal.h), and a value is any bytes.
 *
 * The server is not trusted. A transport bounds the bytes that it reads and the time that it takes, and hands on the
 * words of a server as they came. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/remote/spec.h"

/* The longest value, in bytes. A longer one is not read. */
#define TRANSPORT_VALUE_MAX ((size_t)64 << 20)

struct transport;

struct transport_item {
    const char *name;
    bool put;          /* a value is stored; else it is looked up */
    const char *value; /* to be stored */
    size_t len;
};

enum transport_outcome {
    TRANSPORT_VALUE,   /* to a lookup: a value */
    TRANSPORT_NONE,    /* to a lookup: nothing is stored under the name */
    TRANSPORT_DONE,    /* to a store */
    TRANSPORT_REFUSED, /* the server says no; it can be asked other things */
};

struct transport_answer {
    enum transport_outcome outcome;
    const char *data; /* the value, or for TRANSPORT_REFUSED the server's words, NUL-terminated and not quoted */
    size_t len;
};

/* Is called for each item that is answered, once; items may be answered in any order. The answer is valid until the
 * function returns. */
typedef void transport_answered(void *context, size_t item, const struct transport_answer *answer);

/* A kind of servers. A place is what a URL says to it: where the server is, and how it is spoken to. */
struct transport_kind {
    const char *const *schemes; /* of its URLs, such as "redis://"; the last one is NULL */

    /* Takes a URL of its schemes, with its settings, apart. Returns the place, which forget() frees, and in *shown the
     * URL as people may see it: without user, password and other secrets. Or returns NULL, with a message in *why that
     * shows no secret. The caller frees *shown and *why. */
    void *(*parse)(const struct spec *spec, char **shown, char **why);
    void (*forget)(void *place);

    /* NULL, or a static sentence: this build, or this machine, cannot speak to the place. */
    const char *(*missing)(const void *place);

    /* Makes a connection by the deadline (of clock_ms()); looking up the host's name may take longer. Borrows the
     * place. NULL with a message in *why, which the caller frees. */
    struct transport *(*open)(const void *place, int64_t deadline_ms, char **why);

    /* Asks all items, and reports their answers. Returns 0 where all were answered, or -EIO: then the transport is of
     * no use any more, and `why` has the reason. */
    int (*exchange)(struct transport *transport, const struct transport_item *items, size_t count, int64_t deadline_ms,
                    transport_answered *answered, void *context);

    /* The reason of the failure; it may hold words of the server. Valid until the transport is closed. */
    const char *(*why)(const struct transport *transport);

    void (*close)(struct transport *transport);
};

/* Each kind's functions begin with this: `struct transport` is the first member of theirs. */
struct transport {
    const struct transport_kind *kind;
};
