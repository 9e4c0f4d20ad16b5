#include "command/describe.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void describe_time(int64_t unix_ns, char text[static DESCRIBE_TIME_SIZE])
{
	char *fraction;

	_Static_assert(DESCRIBE_TIME_SIZE >= CLOCK_TEXT_SIZE, "a time fits");
	clock_format(unix_ns, text);
	fraction = strchr(text, '.');
	if (fraction)
		memcpy(fraction, "Z", 2);
}

void describe_age(int64_t unix_ns, int64_t now_ns, char text[static DESCRIBE_AGE_SIZE])
{
	static const struct {
		const char *unit;
		int64_t seconds, most; /* shown in this unit up to so many seconds */
	} units[] = { { "s", 1, 120 },
		      { "min", 60, 7200 },
		      { "h", 3600, 172800 },
		      { "d", 86400, 86400 * 90 },
		      { "mo", 2629746, 2629746 * 24 },
		      { "y", 31556952, INT64_MAX } };
	int64_t age = (now_ns - unix_ns) / 1000000000;
	size_t i = 0;

	age = age < 0 ? 0 : age;
	while (age >= units[i].most)
		i++;
	snprintf(text, DESCRIBE_AGE_SIZE, "%lld%s", (long long)(age / units[i].seconds), units[i].unit);
}
