/* A host that runs inside the interpreter's own executable.
 *
 * Distributions link their python3 statically and optimise it as a whole, which makes it a fifth faster than their
 * shared libpython (Debian 12 and 13). The host is then a shared object with its main() under another name, and
 * pycompile-host-X.Y a launcher that runs the executable with the object preloaded (ld.so(8): LD_PRELOAD). The object
 * replaces the C library's __libc_start_main(), so that everything is set up as for python3 when the host's main() runs
 * instead of Python's. tools/find-pythons tries the same with a small program first. */
#pragma once

/* Names the descriptor of the object, which the launcher leaves open, and which the host closes. */
#define AS_PROGRAM_VARIABLE "PYCOMPILE_HOST_OBJECT"
