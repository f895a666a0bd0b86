/* The sockets of a user's daemons: the one that all programs share, and those of daemons that stand beside it, for
 * another build or another mount namespace (client/autostart.h). */
#pragma once

#include <stddef.h>

struct sockets {
    char **paths; /* the shared one first; owned */
    size_t count;
};

/* Finds the names; daemons need not listen on them. */
void sockets_find(struct sockets *sockets);
void sockets_deinit(struct sockets *sockets);
