/* The host's main(), for the object in which it has another name (host/preload.h). */
#pragma once

/* main() under the name by which pycompile-preload.so looks it up. */
int host_main(int argc, char **argv);
