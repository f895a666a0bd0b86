/* The same functions for builds without hiredis: there is no remote tier. */
#include "cache/remote_link.h"

#include <errno.h>

#include "base/buffer.h"

bool remote_link_is_supported(bool tls) {
    return false;
}

struct remote_link *remote_link_open(const struct remote_url *url, int64_t deadline_ms, char **why) {
    *why = xstrdup("built without hiredis");
    return NULL;
}

struct remote_link *remote_link_close(struct remote_link *link) {
    return link;
}

void remote_link_get(struct remote_link *link, const char *name) {
}

void remote_link_set(struct remote_link *link, const char *name, const void *value, size_t len) {
}

int remote_link_send(struct remote_link *link, int64_t deadline_ms) {
    return -EIO;
}

void remote_link_receive(struct remote_link *link, bool set, int64_t deadline_ms, struct remote_reply *answer) {
    *answer = (struct remote_reply){.answer = REMOTE_BROKEN};
}

void remote_reply_free(struct remote_reply *reply) {
}

const char *remote_link_why(const struct remote_link *link) {
    return "built without hiredis";
}
