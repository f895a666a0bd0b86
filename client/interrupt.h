/* SIGINT and SIGTERM end the work, not the process: what was written is still counted and said. The second of them,
 * whichever it is, has its default action: it ends the process at once. */
#pragma once

#include <stdbool.h>

/* Called once, before the work. An ignored signal stays ignored. */
void interrupt_catch(void);

/* False where interrupt_catch() was not called. */
bool interrupt_has_come(void);

/* The descriptor that becomes readable then, or -1. */
int interrupt_fd(void);

/* The first signal, or 0. */
int interrupt_signal(void);

/* Called last: after a SIGTERM the process ends by it, for the parent that waits for the process. Else returns. */
void interrupt_pass_on(void);
