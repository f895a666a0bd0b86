/* pycompile-preload.so: how a host gets into an interpreter that exists already, whatever its release and its build.
 *
 * pycompile-host runs the interpreter's executable with this object preloaded (ld.so(8): LD_PRELOAD). The object
 * replaces the C library's __libc_start_main(), so that everything is set up as for python3 when its main() runs
 * instead of Python's. That asks the interpreter for its version, loads pycompile-host-X.Y.so, which is linked with no
 * libpython and finds CPython's functions in the process, and calls the host's main() there. A program that is no
 * CPython is refused before anything of its own has run but its constructors.
 *
 * Distributions link their python3 statically and optimise it as a whole, which makes it a fifth faster than their
 * shared libpython (Debian 12 and 13): tools/find-pythons tries the same with a small program first. */
#pragma once

/* Names the descriptor of the object, which the launcher leaves open, and which the object closes. */
#define PRELOAD_VARIABLE "PYCOMPILE_HOST_OBJECT"
