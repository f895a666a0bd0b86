/* By the pipelining interface of hiredis, which is the same in 0.14 and 1.x. hiredis has a time limit for each system
 * call only, so the limit is set anew before each call. */
#include "cache/remote/redis_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "cache/remote/redis_tls.h"

/* hiredis 1.0 counts the elements of an array in size_t, older versions in int. */
#if HIREDIS_MAJOR >= 1
#define ARRAY_COUNT_TYPE size_t
#else
#define ARRAY_COUNT_TYPE int
#endif

/* The most bytes of a reply other than a value: it is a short line, or of a refused type. */
#define LINE_MAX_BYTES ((size_t)8 << 10)

struct redis_link {
    redisContext *context;
    redisReplyObjectFunctions functions; /* hiredis's own, without arrays and numbers */
    const char *why;                     /* static; NULL: hiredis knows the reason */
};

bool redis_link_is_supported(bool tls) {
    return !tls || redis_tls_is_supported();
}

static struct timeval link_time_left(int64_t deadline_ms) {
    int64_t ms = deadline_ms - clock_ms();
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* Limits the next system call by the deadline. Whether there is time left. */
static bool link_limit(struct redis_link *link, int64_t deadline_ms) {
    struct timeval left = link_time_left(deadline_ms);
    if (left.tv_sec < 0 || left.tv_usec < 0 || (left.tv_sec == 0 && left.tv_usec == 0)) {
        link->why = "no answer in time";
        return false;
    }
    return redisSetTimeout(link->context, left) == REDIS_OK;
}

const char *redis_link_why(const struct redis_link *link) {
    const redisContext *context = link->context;
    if (link->why != NULL)
        return link->why;
    if (context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        return "no answer in time";
    return context->err != 0 ? context->errstr : "an answer that does not fit";
}

void redis_link_get(struct redis_link *link, const char *name) {
    redisAppendCommand(link->context, "GET %s", name);
}

void redis_link_set(struct redis_link *link, const char *name, const void *value, size_t len) {
    redisAppendCommand(link->context, "SET %s %b", name, value, len);
}

int redis_link_send(struct redis_link *link, int64_t deadline_ms) {
    int done = 0;
    while (!done)
        if (!link_limit(link, deadline_ms) || redisBufferWrite(link->context, &done) != REDIS_OK)
            return -EIO;
    return 0;
}

/* No command that is sent has an array or a number as its reply. hiredis is refused the memory for one, at its first
 * byte: the elements of an array would be collected without any limit. */
static void *link_refuse_array(const redisReadTask *task, ARRAY_COUNT_TYPE count) {
    return NULL;
}

static void *link_refuse_integer(const redisReadTask *task, long long value) {
    return NULL;
}

static void link_refuse_collections(struct redis_link *link) {
    link->functions = *link->context->reader->fn;
    link->functions.createArray = link_refuse_array;
    link->functions.createInteger = link_refuse_integer;
    link->context->reader->fn = &link->functions;
}

/* The next reply, of `max` bytes at most. NULL: the connection is broken. While a reply is not complete, the reader
 * holds this reply alone. */
static redisReply *link_read_reply(struct redis_link *link, size_t max, int64_t deadline_ms) {
    void *reply = NULL;
    for (;;) {
        if (redisGetReplyFromReader(link->context, &reply) != REDIS_OK)
            return NULL;
        if (reply != NULL)
            return reply;
        if (link->context->reader->len - link->context->reader->pos > max) {
            link->why = "an answer is too long";
            return NULL;
        }
        if (!link_limit(link, deadline_ms) || redisBufferRead(link->context) != REDIS_OK)
            return NULL;
    }
}

/* Only a GET is answered by a value or by nothing, and only another command by a status. */
static enum redis_link_answer link_answer_of(const redisReply *reply, bool set) {
    switch (reply->type) {
    case REDIS_REPLY_STRING:
        return set ? REDIS_LINK_BROKEN : REDIS_LINK_VALUE;
    case REDIS_REPLY_NIL:
        return set ? REDIS_LINK_BROKEN : REDIS_LINK_NONE;
    case REDIS_REPLY_STATUS:
        return set ? REDIS_LINK_DONE : REDIS_LINK_BROKEN;
    case REDIS_REPLY_ERROR:
        return REDIS_LINK_REFUSED;
    default:
        return REDIS_LINK_BROKEN;
    }
}

void redis_link_receive(struct redis_link *link, bool set, int64_t deadline_ms, struct redis_link_reply *answer) {
    redisReply *reply = link_read_reply(link, set ? LINE_MAX_BYTES : TRANSPORT_VALUE_MAX, deadline_ms);
    *answer = (struct redis_link_reply){.answer = REDIS_LINK_BROKEN, .owned = reply};
    if (reply == NULL)
        return;
    answer->data = reply->str;
    answer->len = reply->len;
    answer->answer = link_answer_of(reply, set);
    if (answer->answer == REDIS_LINK_BROKEN)
        link->why = "an answer of a type that the command does not have";
}

void redis_link_reply_free(struct redis_link_reply *reply) {
    if (reply->owned != NULL)
        freeReplyObject(reply->owned);
    reply->owned = NULL;
}

/* Sends the output and receives the one reply to it. Returns NULL, or what is wrong, which the caller frees. */
static char *link_run(struct redis_link *link, const char *what, int64_t deadline_ms) {
    struct redis_link_reply reply;
    char *why = NULL;
    if (redis_link_send(link, deadline_ms) < 0)
        return xasprintf("%s: %s", what, redis_link_why(link));
    redis_link_receive(link, true, deadline_ms, &reply);
    if (reply.answer != REDIS_LINK_DONE)
        why = xasprintf("%s: %s", what, reply.answer == REDIS_LINK_REFUSED ? reply.data : redis_link_why(link));
    redis_link_reply_free(&reply);
    return why;
}

static char *link_identify(struct redis_link *link, const struct redis_url *url, int64_t deadline_ms) {
    if (url->password == NULL)
        return NULL;
    if (url->user != NULL)
        redisAppendCommand(link->context, "AUTH %s %s", url->user, url->password);
    else
        redisAppendCommand(link->context, "AUTH %s", url->password);
    return link_run(link, "cannot identify", deadline_ms);
}

static char *link_select_db(struct redis_link *link, const struct redis_url *url, int64_t deadline_ms) {
    if (url->db == 0)
        return NULL;
    redisAppendCommand(link->context, "SELECT %u", url->db);
    return link_run(link, "cannot select the database", deadline_ms);
}

static redisContext *link_dial(const struct redis_url *url, struct timeval left) {
    return url->path != NULL ? redisConnectUnixWithTimeout(url->path, left)
                             : redisConnectWithTimeout(url->host, url->port, left);
}

/* Does all that comes before the first request. Returns NULL, or what is wrong, which the caller frees. */
static char *link_prepare(struct redis_link *link, const struct redis_url *url, int64_t deadline_ms) {
    char *why = NULL;
    if (link->context == NULL || link->context->err != 0)
        return xasprintf("cannot connect: %s", link->context != NULL ? link->context->errstr : "out of memory");
    link_refuse_collections(link);
    if (url->tls && !link_limit(link, deadline_ms))
        return xstrdup("cannot connect: no answer in time");
    if (url->tls && redis_tls_begin(link->context, url->host, url->ca_file, &why) < 0)
        return why;
    why = link_identify(link, url, deadline_ms);
    return why != NULL ? why : link_select_db(link, url, deadline_ms);
}

struct redis_link *redis_link_open(const struct redis_url *url, int64_t deadline_ms, char **why) {
    struct redis_link *link = xcalloc(1, sizeof *link);
    link->context = link_dial(url, link_time_left(deadline_ms));
    *why = link_prepare(link, url, deadline_ms);
    if (*why == NULL && url->path == NULL)
        redisEnableKeepAlive(link->context);
    return *why == NULL ? link : redis_link_close(link);
}

struct redis_link *redis_link_close(struct redis_link *link) {
    if (link != NULL && link->context != NULL)
        redisFree(link->context);
    free(link);
    return NULL;
}
