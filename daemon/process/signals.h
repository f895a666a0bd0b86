/* Delaying the signals that end the daemon (SIGTERM, SIGINT) while nothing could act on them: they stay pending and are
 * not lost. What they do is the server's business. */
#pragma once

/* Blocks both signals in this thread (pthread_sigmask(3)). */
void signals_hold(void);

/* Unblocks both; a signal that came meanwhile is delivered now. */
void signals_release(void);
