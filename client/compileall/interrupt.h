/* Ctrl-C and SIGTERM end the work, not the process: what was written is still counted and said. The second signal ends
 * the process at once. */
#pragma once

#include <stdbool.h>

/* Called once, before the work. An ignored signal stays ignored. */
void interrupt_catch(void);

bool interrupt_has_come(void);

/* The descriptor that becomes readable then, or -1. */
int interrupt_fd(void);

/* The first signal, or 0. */
int interrupt_signal(void);
