/* See channel.h. */
#include "daemon/channel.h"

#include <assert.h>

#define READ_SIZE (64u << 10)

static void mark_dirty(struct channel *channel) {
    if (!channel->closing && list_empty(&channel->dirty_link))
        list_append(&channel->group->dirty, &channel->dirty_link);
}

static void end(struct channel *channel, const char *why) {
    if (channel->ended || channel->closing)
        return;
    channel->ended = true;
    uv_read_stop((uv_stream_t *)&channel->pipe);
    channel->events->ended(channel, why);
}

static void deliver(struct channel *channel) {
    while (!channel->paused && !channel->closing && !channel->ended) {
        const char *text;
        size_t len;
        switch (frame_reader_next(&channel->in, &text, &len)) {
        case FRAME_NONE:
            return;
        case FRAME_READY:
            channel->events->message(channel, text, len);
            break;
        case FRAME_TOO_LONG:
            channel->events->too_long(channel);
            break;
        case FRAME_BROKEN:
            end(channel, "neither newline-delimited JSON nor Content-Length headers");
            return;
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    struct channel *channel = handle->data;
    (void)suggested;
    *buf = uv_buf_init(frame_reader_reserve(&channel->in, READ_SIZE), READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
    struct channel *channel = stream->data;
    (void)buf;
    if (nread < 0) {
        end(channel, NULL);
    } else if (nread > 0) {
        frame_reader_commit(&channel->in, (size_t)nread);
        deliver(channel);
    }
}

static void flush(struct channel *channel);

static void on_written(uv_write_t *request, int status) {
    struct channel *channel = request->data;
    channel->write_active = false;
    buffer_deinit(&channel->writing);
    if (status < 0)
        end(channel, NULL);
    else if (!channel->closing)
        flush(channel);
}

static void flush(struct channel *channel) {
    if (channel->write_active || channel->closing)
        return;
    if (channel->out.len > 0) {
        uv_buf_t buf = uv_buf_init(channel->out.data, (unsigned)channel->out.len);
        int written = uv_try_write((uv_stream_t *)&channel->pipe, &buf, 1);
        if (written < 0 && written != UV_EAGAIN) {
            end(channel, NULL);
            return;
        }
        if (written > 0)
            buffer_consume(&channel->out, (size_t)written);
    }
    if (channel->out.len > 0) {
        channel->writing = channel->out;
        channel->out = (struct buffer){0};
        channel->write_request.data = channel;
        uv_buf_t buf = uv_buf_init(channel->writing.data, (unsigned)channel->writing.len);
        int status = uv_write(&channel->write_request, (uv_stream_t *)&channel->pipe, &buf, 1, on_written);
        channel->write_active = status == 0;
        if (status < 0)
            end(channel, NULL);
    } else if (channel->events->drained != NULL) {
        channel->events->drained(channel);
    }
}

static void on_prepare(uv_prepare_t *prepare) {
    struct channel_group *group = prepare->data;
    while (!list_empty(&group->dirty)) {
        struct channel *channel = list_entry(group->dirty.next, struct channel, dirty_link);
        list_remove(&channel->dirty_link);
        deliver(channel);
        flush(channel);
    }
}

void channel_group_init(struct channel_group *group, uv_loop_t *loop) {
    list_init(&group->dirty);
    uv_prepare_init(loop, &group->prepare);
    group->prepare.data = group;
    uv_prepare_start(&group->prepare, on_prepare);
    uv_unref((uv_handle_t *)&group->prepare);
}

void channel_group_close(struct channel_group *group) {
    assert(list_empty(&group->dirty));
    uv_close((uv_handle_t *)&group->prepare, NULL);
}

void channel_init(struct channel *channel, struct channel_group *group,
                  const struct channel_events *events, size_t limit) {
    *channel = (struct channel){.events = events, .group = group};
    list_init(&channel->dirty_link);
    frame_reader_init(&channel->in, limit);
    uv_pipe_init(group->prepare.loop, &channel->pipe, 0);
    channel->pipe.data = channel;
}

int channel_start(struct channel *channel) {
    return uv_read_start((uv_stream_t *)&channel->pipe, on_alloc, on_read);
}

void channel_send(struct channel *channel, const char *text, size_t len) {
    if (channel->closing)
        return;
    frame_write(channel->in.framing, text, len, &channel->out);
    mark_dirty(channel);
}

void channel_pause(struct channel *channel) {
    if (channel->paused || channel->ended || channel->closing)
        return;
    channel->paused = true;
    uv_read_stop((uv_stream_t *)&channel->pipe);
}

void channel_resume(struct channel *channel) {
    if (!channel->paused || channel->ended || channel->closing)
        return;
    channel->paused = false;
    if (uv_read_start((uv_stream_t *)&channel->pipe, on_alloc, on_read) < 0)
        end(channel, NULL);
    mark_dirty(channel); /* messages may be waiting in the reader */
}

size_t channel_pending(const struct channel *channel) {
    return channel->out.len + channel->writing.len;
}

static void on_closed(uv_handle_t *handle) {
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
    list_remove(&channel->dirty_link);
    uv_close((uv_handle_t *)&channel->pipe, on_closed);
}
