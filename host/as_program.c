/* Part of the shared object that is preloaded into the interpreter. */
#include "host/as_program.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/main.h"

typedef int main_function(int argc, char **argv, char **environment);
typedef int start_function(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                           void (*rtld_fini)(void), void *stack_end);

start_function __libc_start_main;

static int instead_of_python(int argc, char **argv, char **environment) {
    const char *fd = getenv(AS_PROGRAM_VARIABLE);
    if (fd != NULL)
        close(atoi(fd));
    unsetenv(AS_PROGRAM_VARIABLE);
    unsetenv("LD_PRELOAD");
    prctl(PR_SET_NAME, "pycompile-host");
    return host_main(argc, argv);
}

int __libc_start_main(main_function *python_main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
    start_function *start = __extension__(start_function *) dlsym(RTLD_NEXT, "__libc_start_main");
    if (start == NULL)
        _exit(127);
    return start(instead_of_python, argc, argv, init, fini, rtld_fini, stack_end);
}
