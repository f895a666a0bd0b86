/* The descriptors that the process was started with. */
#pragma once

/* Opens /dev/null for those of 0, 1 and 2 that are closed, so that no socket ever gets one of these numbers, and closes
 * all descriptors from `first` on. They may be a lock or the end of a pipe of the process that started the daemon,
 * which neither the daemon nor its hosts may keep open. */
void descriptors_clean(int first);
