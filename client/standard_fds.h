/* Standard descriptors that the caller has closed. */
#pragma once

/* Takes each of the three that is closed, so that no socket or file lands on it: by something on which its usual
 * operation fails, as it would if it were closed. */
void standard_fds_occupy(void);
