/* The host's main(), for the program in which it has another name (host/as_program.h). */
#pragma once

/* main() under the name that it has in the object that is preloaded into the interpreter. */
int host_main(int argc, char **argv);
