/* Monotonic milliseconds, for deadlines. */
#pragma once

#include <stdint.h>

/* Milliseconds of a clock that nobody sets. */
int64_t clock_ms(void);

/* Sleeps; a signal may end it early. */
void clock_sleep_ms(int ms);

/* What is left until the deadline as a timeout for poll(): 0 where it has passed. */
int clock_left(int64_t deadline);
