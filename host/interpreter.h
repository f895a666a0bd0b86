/* The life of CPython in a host: the runtime, and one interpreter for each worker thread. */
#pragma once

#include <stdbool.h>

#include <Python.h>

/* From 3.12 on interpreters of one process can each have a GIL of their own (PEP 684). */
#define HOST_HAS_OWN_GIL (PY_VERSION_HEX >= 0x030C0000)

/* Initialises the runtime, unless it is, untouched by environment, site and user site, and tells the server; where that
 * cannot be, the process ends. The calling thread, always the same one, is attached to the main interpreter afterwards.
 */
void interpreter_init_runtime(int control_fd);

/* After it: lets other threads make interpreters. Detaches the calling thread from the main one. */
void interpreter_leave_main(void);

/* Makes an interpreter for the calling thread, which stays attached to it for good; waits until main has been left.
 * Only where HOST_HAS_OWN_GIL. Returns NULL, or what went wrong. */
const char *interpreter_enter(void);
