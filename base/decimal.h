/* Decimal digits of a number: for texts that are written for every request, where printf() costs more than the rest. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Room for the digits of every uint64_t, and a NUL. */
#define DECIMAL_SIZE 21

/* Writes the digits and a NUL to `to`, which has room for DECIMAL_SIZE bytes. Returns the number of digits. */
static inline size_t decimal_write(uint64_t number, char *to) {
    char digits[DECIMAL_SIZE];
    size_t at = sizeof digits, count;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    count = sizeof digits - at;
    for (size_t i = 0; i < count; i++)
        to[i] = digits[at + i];
    to[count] = '\0';
    return count;
}
