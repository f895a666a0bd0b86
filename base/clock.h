/* A monotonic clock, for deadlines and durations. Not for the time of day. */
#pragma once

#include <stdint.h>

/* The time in milliseconds and in microseconds on CLOCK_MONOTONIC, which nobody can set and which is the same for all
 * processes. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Sleeps; a signal may end the sleep early. */
void clock_sleep_ms(int ms);

/* The time left until the deadline, as a timeout for poll(): 0 if the deadline has passed. */
int clock_left(int64_t deadline);
