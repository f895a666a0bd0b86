/* A clock that stands still until a test moves it: clock_gettime(2) for all monotonic clocks, in this program and in
 * the shared libraries that it uses (libuv). The calendar's clock is the real one. */
#pragma once

#include <stdint.h>

void fake_clock_advance_ms(uint64_t ms);
void fake_clock_advance_us(uint64_t us);
