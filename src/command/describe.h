/* How times are shown, the same in every command. */
#ifndef WSNAP_COMMAND_DESCRIBE_H
#define WSNAP_COMMAND_DESCRIBE_H

#include <stdint.h>

/* A time for people, to the second: 2026-01-31T23:59:59Z. */
#define DESCRIBE_TIME_SIZE 40
void describe_time(int64_t unix_ns, char text[static DESCRIBE_TIME_SIZE]);

/* How old something is, for people: "12s", "5min", "2h", "3d", "4mo", "2y". */
#define DESCRIBE_AGE_SIZE 32
void describe_age(int64_t unix_ns, int64_t now_ns, char text[static DESCRIBE_AGE_SIZE]);

#endif
