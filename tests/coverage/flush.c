/* For a build with -Db_coverage=true alone: a process that leaves by _exit() writes its counters first, as one that
 * leaves by exit() does. The linker sends every call of _exit() here (--wrap). */
#include <unistd.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status) {
    __gcov_dump();
    __real__exit(status);
}
