/* See remote_link.h. The pipelining interface of hiredis, of which 0.14 and 1.x have the same; its time limit is one of
 * each system call, so it is set anew before each. */
#include "cache/remote_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "cache/remote_tls.h"

struct remote_link {
    redisContext *context;
    const char *why; /* where hiredis did not say */
};

bool remote_link_is_supported(bool tls) {
    return !tls || remote_tls_is_supported();
}

static struct timeval time_left(int64_t deadline_ms) {
    int64_t ms = deadline_ms - clock_ms();
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* Lets the next system call take no longer. False: there is no time left. */
static bool limit(struct remote_link *link, int64_t deadline_ms) {
    struct timeval left = time_left(deadline_ms);
    if (left.tv_sec < 0 || left.tv_usec < 0 || (left.tv_sec == 0 && left.tv_usec == 0)) {
        link->why = "no answer in time";
        return false;
    }
    return redisSetTimeout(link->context, left) == REDIS_OK;
}

const char *remote_link_why(const struct remote_link *link) {
    const redisContext *context = link->context;
    if (link->why != NULL)
        return link->why;
    if (context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        return "no answer in time";
    return context->err != 0 ? context->errstr : "an answer that does not fit";
}

void remote_link_get(struct remote_link *link, const char *name) {
    redisAppendCommand(link->context, "GET %s", name);
}

void remote_link_set(struct remote_link *link, const char *name, const void *value, size_t len) {
    redisAppendCommand(link->context, "SET %s %b", name, value, len);
}

bool remote_link_send(struct remote_link *link, int64_t deadline_ms) {
    int done = 0;
    while (!done)
        if (!limit(link, deadline_ms) || redisBufferWrite(link->context, &done) != REDIS_OK)
            return false;
    return true;
}

/* The next reply as it comes; NULL: the connection is broken. */
static redisReply *read_reply(struct remote_link *link, int64_t deadline_ms) {
    void *reply = NULL;
    for (;;) {
        if (redisGetReplyFromReader(link->context, &reply) != REDIS_OK)
            return NULL;
        if (reply != NULL)
            return reply;
        if (link->context->reader->len - link->context->reader->pos > REMOTE_VALUE_MAX) {
            link->why = "an answer is too long";
            return NULL;
        }
        if (!limit(link, deadline_ms) || redisBufferRead(link->context) != REDIS_OK)
            return NULL;
    }
}

void remote_link_receive(struct remote_link *link, int64_t deadline_ms, struct remote_reply *answer) {
    redisReply *reply = read_reply(link, deadline_ms);
    *answer = (struct remote_reply){.answer = REMOTE_BROKEN, .owned = reply};
    if (reply == NULL)
        return;
    answer->data = reply->str;
    answer->len = reply->len;
    switch (reply->type) {
    case REDIS_REPLY_STRING:
        answer->answer = REMOTE_VALUE;
        break;
    case REDIS_REPLY_NIL:
        answer->answer = REMOTE_NONE;
        break;
    case REDIS_REPLY_STATUS:
        answer->answer = REMOTE_DONE;
        break;
    case REDIS_REPLY_ERROR:
        answer->answer = REMOTE_REFUSED;
        break;
    default:
        link->why = "an answer of an unknown type";
    }
}

void remote_reply_free(struct remote_reply *reply) {
    if (reply->owned != NULL)
        freeReplyObject(reply->owned);
    reply->owned = NULL;
}

/* Runs the command written down last. Returns what is wrong, which the caller frees, or NULL. */
static char *run(struct remote_link *link, const char *what, int64_t deadline_ms) {
    struct remote_reply reply;
    char *why = NULL;
    if (!remote_link_send(link, deadline_ms))
        return xasprintf("%s: %s", what, remote_link_why(link));
    remote_link_receive(link, deadline_ms, &reply);
    if (reply.answer != REMOTE_DONE)
        why = xasprintf("%s: %s", what, reply.answer == REMOTE_REFUSED ? reply.data : remote_link_why(link));
    remote_reply_free(&reply);
    return why;
}

static char *identify(struct remote_link *link, const struct remote_url *url, int64_t deadline_ms) {
    if (url->password == NULL)
        return NULL;
    if (url->user != NULL)
        redisAppendCommand(link->context, "AUTH %s %s", url->user, url->password);
    else
        redisAppendCommand(link->context, "AUTH %s", url->password);
    return run(link, "cannot identify", deadline_ms);
}

static char *select_db(struct remote_link *link, const struct remote_url *url, int64_t deadline_ms) {
    if (url->db == 0)
        return NULL;
    redisAppendCommand(link->context, "SELECT %u", url->db);
    return run(link, "cannot select the database", deadline_ms);
}

static redisContext *dial(const struct remote_url *url, struct timeval left) {
    return url->path != NULL ? redisConnectUnixWithTimeout(url->path, left)
                             : redisConnectWithTimeout(url->host, url->port, left);
}

struct remote_link *remote_link_open(const struct remote_url *url, int64_t deadline_ms, char **why) {
    struct remote_link *link = xcalloc(1, sizeof *link);
    struct timeval left = time_left(deadline_ms);
    *why = NULL;
    link->context = dial(url, left);
    if (link->context == NULL || link->context->err != 0)
        *why = xasprintf("cannot connect: %s", link->context != NULL ? link->context->errstr : "out of memory");
    if (*why == NULL && url->tls && !limit(link, deadline_ms))
        *why = xstrdup("cannot connect: no answer in time");
    if (*why == NULL && url->tls)
        *why = remote_tls_begin(link->context, url->host, url->ca_file);
    if (*why == NULL)
        *why = identify(link, url, deadline_ms);
    if (*why == NULL)
        *why = select_db(link, url, deadline_ms);
    if (*why == NULL && url->path == NULL)
        redisEnableKeepAlive(link->context);
    return *why == NULL ? link : remote_link_close(link);
}

struct remote_link *remote_link_close(struct remote_link *link) {
    if (link != NULL && link->context != NULL)
        redisFree(link->context);
    free(link);
    return NULL;
}
