/* The life of CPython in a host: the runtime, and one interpreter for each worker thread. */
#pragma once

#include <stdbool.h>

#include <Python.h>

/* From 3.12 on interpreters of one process can each have a GIL of their own (PEP 684). */
#define HOST_HAS_OWN_GIL (PY_VERSION_HEX >= 0x030C0000)

/* Initialises the runtime, untouched by environment, site and user site. The calling thread is attached to the main
 * interpreter afterwards. Returns NULL, or what went wrong (static or never freed). */
const char *interpreter_init_runtime(void);

/* Makes an interpreter for the calling thread, which stays attached to it for good. Where HOST_HAS_OWN_GIL is 0 the
 * main interpreter, to which it must be attached, is the one. Returns NULL, or what went wrong. */
const char *interpreter_enter(void);

/* Lets other threads make interpreters: detaches the calling thread from the main one. */
void interpreter_leave_main(void);
