/* Standard descriptors that the process was started without. */
#pragma once

/* Occupies each of the three that is closed, so that no socket or file gets its number. The usual operation on it
 * fails, as on a closed descriptor. */
void standard_fds_occupy(void);
