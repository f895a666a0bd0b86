/* A monotonic clock, for deadlines and for how long something took. */
#pragma once

#include <stdint.h>

/* Milliseconds, and microseconds, of a clock that nobody sets: CLOCK_MONOTONIC, the same for all processes. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Sleeps; a signal may end it early. */
void clock_sleep_ms(int ms);

/* What is left until the deadline as a timeout for poll(): 0 where it has passed. */
int clock_left(int64_t deadline);
