/* Reading by libuv, with one buffer for all; writing by uv_try_write(), and by uv_write() for what the socket does not
 * take. */
#include "daemon/peers/channel.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The bytes that a channel reads, and the messages that it takes, before others have their turn. */
#define READ_SIZE (64u << 10)
#define MESSAGES_AT_ONCE 16

/* Memory that an empty buffer may keep. */
#define EMPTY_SIZE_MAX 4096

static void channel_mark_dirty(struct channel *channel) {
    if (!channel->closing && list_empty(&channel->dirty_link))
        list_append(&channel->group->dirty, &channel->dirty_link);
}

/* Updates the group's count. */
static void channel_count_held(struct channel *channel) {
    size_t held = channel->closing ? 0 : frame_reader_size(&channel->in) + channel->out.cap + channel->writing.cap;
    if (channel->counts)
        channel->group->held += held - channel->held;
    channel->held = held;
}

static void channel_end(struct channel *channel, const char *why);

static void channel_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    struct channel *channel = handle->data;
    struct channel_group *group = channel->group;
    bool refused = channel->counts && group->held > group->limit;
    group->refusals += refused;
    *buf = refused ? uv_buf_init(NULL, 0) : uv_buf_init(group->scratch, READ_SIZE);
}

static void channel_on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

/* Starts or stops reading, as the state says. */
static void channel_update_reading(struct channel *channel) {
    bool wanted = channel->started && !channel->paused && !channel->ended && !channel->closing &&
                  list_empty(&channel->yielded_link);
    if (wanted == channel->reading)
        return;
    channel->reading = wanted;
    if (!wanted)
        uv_read_stop((uv_stream_t *)&channel->pipe);
    else if (uv_read_start((uv_stream_t *)&channel->pipe, channel_on_alloc, channel_on_read) < 0)
        channel_end(channel, NULL);
}

static void channel_end(struct channel *channel, const char *why) {
    if (channel->ended || channel->closing)
        return;
    channel->ended = true;
    channel_update_reading(channel);
    channel->events->ended(channel, why);
}

/* Lets other channels go first: this one reads and takes messages again in the loop's next turn. */
static void channel_yield(struct channel *channel) {
    if (channel->closing || channel->ended || !list_empty(&channel->yielded_link))
        return;
    list_append(&channel->group->yielded, &channel->yielded_link);
    channel_update_reading(channel);
}

static void channel_deliver(struct channel *channel) {
    for (int taken = 0; !channel->paused && !channel->closing && !channel->ended; taken++) {
        const char *text;
        size_t len;
        if (taken == MESSAGES_AT_ONCE) {
            channel_yield(channel);
            return;
        }
        switch (frame_reader_next(&channel->in, &text, &len)) {
        case FRAME_NONE:
            frame_reader_trim(&channel->in);
            return;
        case FRAME_READY:
            channel->events->message(channel, text, len);
            break;
        case FRAME_TOO_LONG:
            channel->events->too_long(channel);
            break;
        case FRAME_BROKEN:
            channel_end(channel, "neither newline-delimited JSON nor Content-Length headers");
            return;
        }
    }
}

static void channel_on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
    struct channel *channel = stream->data;
    if (nread == UV_ENOBUFS)
        return; /* too much is held: the group's owner acts on that before the loop waits */
    if (nread < 0) {
        channel_end(channel, NULL);
    } else if (nread > 0) {
        channel->group->moved += (size_t)nread;
        memcpy(frame_reader_reserve(&channel->in, (size_t)nread), buf->base, (size_t)nread);
        frame_reader_commit(&channel->in, (size_t)nread);
        if (list_empty(&channel->yielded_link))
            channel_deliver(channel);
        if (nread == READ_SIZE)
            channel_yield(channel);
        channel_count_held(channel);
    }
}

static void channel_flush_all(struct channel *channel);

static void channel_fail_writing(struct channel *channel) {
    buffer_deinit(&channel->out);
    if (channel->events->unwritable != NULL)
        channel->events->unwritable(channel);
    else
        channel_end(channel, NULL);
}

static void channel_on_written(uv_write_t *request, int status) {
    struct channel *channel = request->data;
    channel->write_active = false;
    channel->group->moved += status < 0 ? 0 : channel->writing.len;
    buffer_deinit(&channel->writing);
    if (channel->closing)
        return;
    if (status < 0)
        channel_fail_writing(channel);
    else
        channel_flush_all(channel);
    channel_count_held(channel);
}

/* Writes as much as the socket takes at once. Returns 0, or a negative errno value where it takes nothing any more. */
static int channel_try_write(struct channel *channel) {
    size_t len = channel->out.len < INT32_MAX ? channel->out.len : INT32_MAX;
    uv_buf_t buf = uv_buf_init(channel->out.data, (unsigned)len);
    int written = len > 0 ? uv_try_write((uv_stream_t *)&channel->pipe, &buf, 1) : 0;
    if (written > 0) {
        channel->group->moved += (size_t)written;
        buffer_consume(&channel->out, (size_t)written);
    }
    return written >= 0 || written == UV_EAGAIN ? 0 : written;
}

static void channel_write_rest(struct channel *channel) {
    channel->writing = channel->out;
    channel->out = (struct buffer){0};
    channel->write_request.data = channel;
    uv_buf_t buf = {.base = channel->writing.data, .len = channel->writing.len};
    int status = uv_write(&channel->write_request, (uv_stream_t *)&channel->pipe, &buf, 1, channel_on_written);
    channel->write_active = status == 0;
    if (status < 0) {
        buffer_deinit(&channel->writing);
        channel_fail_writing(channel);
    }
}

static void channel_flush_all(struct channel *channel) {
    if (channel->write_active || channel->closing)
        return;
    if (channel_try_write(channel) < 0) {
        channel_fail_writing(channel);
    } else if (channel->out.len > 0) {
        channel_write_rest(channel);
    } else {
        if (channel->out.cap > EMPTY_SIZE_MAX)
            buffer_deinit(&channel->out);
        if (channel->events->drained != NULL)
            channel->events->drained(channel);
    }
}

void channel_flush(struct channel *channel) {
    if (!channel->write_active && !channel->closing)
        (void)channel_try_write(channel); /* a failure is noticed by the next write or read */
}

static void channel_group_on_idle(uv_idle_t *idle) {
    /* It exists so that the loop does not wait. */
}

/* The channels that have yielded have their turn again. */
static void channel_group_end_yielding(struct channel_group *group) {
    while (!list_empty(&group->yielded)) {
        struct channel *channel = list_entry(group->yielded.next, struct channel, yielded_link);
        list_remove(&channel->yielded_link);
        channel_update_reading(channel);
        channel_mark_dirty(channel);
    }
}

static void channel_group_on_prepare(uv_prepare_t *prepare) {
    struct channel_group *group = prepare->data;
    channel_group_end_yielding(group);
    while (!list_empty(&group->dirty)) {
        struct channel *channel = list_entry(group->dirty.next, struct channel, dirty_link);
        list_remove(&channel->dirty_link);
        if (list_empty(&channel->yielded_link))
            channel_deliver(channel);
        channel_flush_all(channel);
        channel_count_held(channel);
    }
    if (group->turn != NULL)
        group->turn(group);
    if (list_empty(&group->yielded))
        uv_idle_stop(&group->idle);
    else
        uv_idle_start(&group->idle, channel_group_on_idle);
}

void channel_group_init(struct channel_group *group, uv_loop_t *loop) {
    *group = (struct channel_group){.limit = SIZE_MAX, .scratch = xmalloc(READ_SIZE)};
    list_init(&group->dirty);
    list_init(&group->yielded);
    uv_idle_init(loop, &group->idle);
    uv_prepare_init(loop, &group->prepare);
    group->prepare.data = group;
    uv_prepare_start(&group->prepare, channel_group_on_prepare);
    uv_unref((uv_handle_t *)&group->prepare);
}

void channel_group_close(struct channel_group *group) {
    assert(list_empty(&group->dirty) && list_empty(&group->yielded) && group->held == 0);
    uv_close((uv_handle_t *)&group->prepare, NULL);
    uv_close((uv_handle_t *)&group->idle, NULL);
    free(group->scratch);
}

void channel_init(struct channel *channel, struct channel_group *group, const struct channel_events *events,
                  size_t limit) {
    *channel = (struct channel){.events = events, .group = group};
    list_init(&channel->dirty_link);
    list_init(&channel->yielded_link);
    frame_reader_init(&channel->in, limit);
    uv_pipe_init(group->prepare.loop, &channel->pipe, 0);
    channel->pipe.data = channel;
}

void channel_count(struct channel *channel) {
    channel->counts = true;
}

int channel_start(struct channel *channel) {
    int status = uv_read_start((uv_stream_t *)&channel->pipe, channel_on_alloc, channel_on_read);
    channel->started = channel->reading = status == 0;
    return status;
}

void channel_send(struct channel *channel, const char *text, size_t len) {
    if (channel->closing)
        return;
    frame_write(channel->in.framing, text, len, &channel->out);
    channel_count_held(channel);
    channel_mark_dirty(channel);
}

void channel_pause(struct channel *channel) {
    channel->paused = true;
    channel_update_reading(channel);
}

void channel_resume(struct channel *channel) {
    if (!channel->paused)
        return;
    channel->paused = false;
    channel_update_reading(channel);
    channel_mark_dirty(channel); /* messages may be waiting in the reader */
}

size_t channel_pending(const struct channel *channel) {
    return channel->out.len + channel->writing.len;
}

static void channel_on_closed(uv_handle_t *handle) {
    struct channel *channel = handle->data;
    frame_reader_deinit(&channel->in);
    buffer_deinit(&channel->out);
    buffer_deinit(&channel->writing);
    channel->events->closed(channel);
}

void channel_close(struct channel *channel) {
    if (channel->closing)
        return;
    channel->closing = true;
    channel->reading = false;
    list_remove(&channel->dirty_link);
    list_remove(&channel->yielded_link);
    channel_count_held(channel); /* its memory goes in this turn of the loop */
    uv_close((uv_handle_t *)&channel->pipe, channel_on_closed);
}
