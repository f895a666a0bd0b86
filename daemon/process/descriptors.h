/* The descriptors that the process was started with. */
#pragma once

/* Makes sure that 0, 1 and 2 are open (on /dev/null where they are not), so that no socket is ever taken for one
 * of them, and closes everything from `first` on: whoever started the daemon may hold a lock or wait for the
 * end of a pipe, and neither the daemon nor its hosts may prolong that. */
void descriptors_clean(int first);
