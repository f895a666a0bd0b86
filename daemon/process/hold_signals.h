/* Holding the signals that end the daemon back for a moment in which nobody could act on them: pending, not lost. */
#pragma once

/* Blocks SIGTERM and SIGINT in this thread (pthread_sigmask(3)); what comes stays pending. */
void hold_signals(void);

/* Unblocks them; what has come in between is delivered now. */
void release_signals(void);
