/* Clocks, and times as text. */
#ifndef WSNAP_BASE_CLOCK_H
#define WSNAP_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that a time takes as text, its NUL included. */
#define CLOCK_TEXT_SIZE 40

/* Nanoseconds since 1970 (CLOCK_REALTIME). */
int64_t clock_unix_ns(void);

/* Milliseconds of a clock that never jumps (CLOCK_MONOTONIC). */
double clock_monotonic_ms(void);

/* Writes RFC 3339 in UTC with microseconds and a Z: 2026-01-31T23:59:59.123456Z. */
void clock_format(int64_t unix_ns, char text[static CLOCK_TEXT_SIZE]);

/* Reads RFC 3339 (section 5.6), with any offset and fraction. false if it is none. */
bool clock_parse(const char *text, int64_t *unix_ns);

void clock_sleep_ms(unsigned milliseconds);

#endif
