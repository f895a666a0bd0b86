/* All connections together: their number and the memory that is held for them.
 *
 * From half of the memory limit on, until it is three eighths, connections are held back (connection.h). What still
 * passes the limit (frames that are never finished, answers that are never read) is met by closing the connection that
 * holds most. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/peers/connection.h"

/* All pointers are borrowed. The group takes the `turn` of the channels, in which it watches the memory. The number of
 * connections is limited by the options until the owner lowers group->limit. */
void connection_group_init(struct connection_group *group, struct channel_group *channels,
                           const struct options *options, struct census *census,
                           const struct connection_events *events);

/* Makes a connection of an accepted socket, which it takes. A peer of another user is refused; over the limit the
 * client is told so. */
void connection_group_accept(struct connection_group *group, int fd);

/* Tells the client that there are too many connections, unless it is of another user; and closes `fd`. */
void connection_group_refuse(struct connection_group *group, int fd);

/* Bytes that are held for clients. */
size_t connection_group_held(const struct connection_group *group);

/* Closes the connections that are idle since `ms` (uv_now()). */
void connection_group_close_idle(struct connection_group *group, uint64_t ms);

/* Closes each connection when all is answered and sent. No job may exist. */
void connection_group_finish(struct connection_group *group);

/* Closes all connections now. */
void connection_group_close(struct connection_group *group);
