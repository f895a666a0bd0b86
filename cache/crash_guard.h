/* A store's file that others have damaged can make LMDB run into a signal. The process is lost then
 * (a host may be), but the file is thrown away first, so that the next process does not meet it. */
#pragma once

/* From begin to end the calling thread uses the file `path`, which must live on. They nest. */
void crash_guard_begin(const char *path);
void crash_guard_end(void);
