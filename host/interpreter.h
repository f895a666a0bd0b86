/* The life of CPython in a host: the runtime, and one interpreter for each worker thread. */
#pragma once

#include <stdbool.h>

#include <Python.h>

/* From 3.12 on interpreters of one process can each have a GIL of their own (PEP 684). */
#define HOST_HAS_OWN_GIL (PY_VERSION_HEX >= 0x030C0000)

/* Initialises the runtime, unless it is initialised already, without the influence of environment, site and user site,
 * and reports that to the server. If that fails, the process ends. Always called by the same thread, which is attached
 * to the main interpreter afterwards. */
void interpreter_init_runtime(int control_fd);

/* Called after interpreter_init_runtime(): lets other threads make interpreters, and detaches the calling thread from
 * the main interpreter. */
void interpreter_leave_main(void);

/* Makes an interpreter for the calling thread, which stays attached to it for good. Waits until
 * interpreter_leave_main() was called. Only if HOST_HAS_OWN_GIL. Returns NULL, or a message. */
const char *interpreter_enter(void);
