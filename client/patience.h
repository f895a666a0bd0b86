/* How long a server that owes an answer may give no sign of life. */
#pragma once

/* Fractions of the patience: a silent server is asked for a sign of life after a tenth of it, and the user is told
 * after a sixth. */
#define PATIENCE_ASK_PART 10
#define PATIENCE_SAY_PART 6

/* The longest silence in milliseconds: $PYCOMPILED_PATIENCE, which is in seconds, or the default, 30 seconds. */
int patience_ms(void);
