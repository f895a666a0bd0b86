/* The definition takes the place of libc's, as those of a program do. */
#include "tests/unit/fake_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns = 1000000000000;

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock == CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec = (time_t)(now_ns / 1000000000);
    time->tv_nsec = (long)(now_ns % 1000000000);
    return 0;
}

void fake_clock_advance_ms(uint64_t ms) {
    now_ns += ms * 1000000;
}

void fake_clock_advance_us(uint64_t us) {
    now_ns += us * 1000;
}
