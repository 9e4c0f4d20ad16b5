#include "output/age.h"

#include <stdio.h>

static const struct {
	int64_t seconds; /* in one of it … */
	int64_t from;    /* … and from which age on it is used */
	const char *name;
} units[] = {
	{ 365 * 86400, 2 * 365 * 86400, "y" },
	{ 7 * 86400, 3 * 7 * 86400, "wk" },
	{ 86400, 2 * 86400, "d" },
	{ 3600, 2 * 3600, "h" },
	{ 60, 120, "min" },
	{ 1, 0, "s" },
};

void age_format(int64_t seconds, char text[static AGE_SIZE])
{
	size_t unit = 0;

	while (seconds < units[unit].from && unit + 1 < sizeof(units) / sizeof(*units))
		unit++;
	snprintf(text, AGE_SIZE, "%lld %s", (long long)(seconds / units[unit].seconds), units[unit].name);
}
