/* A stream of framed messages over a Unix socket on the loop: reading with back-pressure, and writes that are gathered
 * while the loop works and go out together before it waits. Clients, workers and hosts' control sockets use it alike;
 * the meaning of messages is the owner's business.
 *
 * All channels of a loop form a group, which is fair among them: each takes a bounded amount and then lets the others
 * go first, however fast its peer writes. The group also counts the memory that its channels hold. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/buffer.h"
#include "base/list.h"
#include "proto/frame.h"

struct channel;

/* Events for the owner. The first four are required. A callback may close the channel. */
struct channel_events {
    void (*message)(struct channel *channel, const char *text, size_t len);
    /* A message over the limit came and is skipped. */
    void (*too_long)(struct channel *channel);
    /* Nothing more will be read: end of file, a failure, or (why != NULL) no known framing. Not closed yet. */
    void (*ended)(struct channel *channel, const char *why);
    /* The handle is closed; the channel may be freed. Called once, after channel_close(). */
    void (*closed)(struct channel *channel);
    /* All that was sent has been written. */
    void (*drained)(struct channel *channel);
    /* Nothing can be written any more; unsent bytes are dropped. May come after `ended`. */
    void (*unwritable)(struct channel *channel);
};

/* The channels of a loop: those with work to do before it waits (dirty), and those that let others go first (yielded).
 */
struct channel_group {
    uv_prepare_t prepare;
    uv_idle_t idle; /* runs while some have yielded: the loop does not wait then */
    struct list dirty;
    struct list yielded;
    size_t held;                               /* bytes in the buffers of channels that count */
    size_t limit;                              /* channels that count are not read from while more are held */
    uint64_t refusals;                         /* reads that the limit has prevented */
    uint64_t moved;                            /* bytes read and written */
    void (*turn)(struct channel_group *group); /* called in every turn of the loop, before it waits; or NULL */
    void *owner;
    char *scratch;
};

struct channel {
    uv_pipe_t pipe;
    const struct channel_events *events;
    struct channel_group *group;
    struct frame_reader in;
    struct buffer out;     /* gathered, not yet given to libuv */
    struct buffer writing; /* with libuv until write_request ends */
    uv_write_t write_request;
    struct list dirty_link;
    struct list yielded_link;
    size_t held; /* bytes in its buffers */
    bool counts; /* they are part of the group's, and its limit holds for this channel */
    bool started;
    bool reading;
    bool write_active;
    bool paused;
    bool ended;
    bool closing;
};

/* Starts and ends gathering on a loop. channel_group_close() is called when all channels are closed and before the loop
 * ends. */
void channel_group_init(struct channel_group *group, uv_loop_t *loop);
void channel_group_close(struct channel_group *group);

/* Makes a channel for a pipe that the caller then opens (uv_pipe_open) and starts. `limit`: longest message in
 * bytes. */
void channel_init(struct channel *channel, struct channel_group *group, const struct channel_events *events,
                  size_t limit);

/* Makes the group's limit hold for the channel, and its memory count: for channels whose peer is not trusted. Before
 * channel_start(). */
void channel_count(struct channel *channel);

/* Begins reading. Returns 0 or a negative libuv error. */
int channel_start(struct channel *channel);

/* Sends one message in the peer's framing (FRAMING_UNKNOWN: lines). */
void channel_send(struct channel *channel, const char *text, size_t len);

/* Sends the gathered bytes, as far as the socket takes them at once: for use before channel_close(). */
void channel_flush(struct channel *channel);

/* Stops and resumes taking messages. Bytes that have been read and not taken wait in the channel. */
void channel_pause(struct channel *channel);
void channel_resume(struct channel *channel);

/* Bytes waiting to be written. */
size_t channel_pending(const struct channel *channel);

/* Closes asynchronously; unsent bytes are dropped; harmless when already closing. */
void channel_close(struct channel *channel);
