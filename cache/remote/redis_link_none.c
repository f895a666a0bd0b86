/* The same functions for builds without hiredis: there is no remote tier. */
#include "cache/remote/redis_link.h"

#include <errno.h>

#include "base/buffer.h"

bool redis_link_is_supported(bool tls) {
    return false;
}

struct redis_link *redis_link_open(const struct redis_url *url, int64_t deadline_ms, char **why) {
    *why = xstrdup("built without hiredis");
    return NULL;
}

struct redis_link *redis_link_close(struct redis_link *link) {
    return link;
}

void redis_link_get(struct redis_link *link, const char *name) {
}

void redis_link_set(struct redis_link *link, const char *name, const void *value, size_t len) {
}

int redis_link_send(struct redis_link *link, int64_t deadline_ms) {
    return -EIO;
}

void redis_link_receive(struct redis_link *link, bool set, int64_t deadline_ms, struct redis_link_reply *answer) {
    *answer = (struct redis_link_reply){.answer = REDIS_LINK_BROKEN};
}

void redis_link_reply_free(struct redis_link_reply *reply) {
}

const char *redis_link_why(const struct redis_link *link) {
    return "built without hiredis";
}
