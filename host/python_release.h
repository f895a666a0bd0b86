/* The release, the executable and the cache tag of the Python in this process, by its own word. The functions need no
 * interpreter, and any thread may call them. */
#pragma once

/* "3.13.0": of the interpreter or the shared libpython that is loaded, which may be another patch release than the
 * headers that the host was compiled with. */
const char *python_release(void);

/* "cpython-313" */
const char *python_cache_tag(void);

/* Where the interpreter's executable is, as it was given to python_release_init(). */
const char *python_executable(void);

/* Called once, before there are threads. `executable` is borrowed for good. */
void python_release_init(const char *executable);
