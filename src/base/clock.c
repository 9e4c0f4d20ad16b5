#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND 1000000000

int64_t clock_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

double clock_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void clock_format(int64_t unix_ns, char text[static CLOCK_TEXT_SIZE])
{
	int64_t fraction = unix_ns % NS_PER_SECOND;
	time_t seconds;
	struct tm tm;
	size_t used;

	if (fraction < 0)
		fraction += NS_PER_SECOND;
	seconds = (time_t)((unix_ns - fraction) / NS_PER_SECOND);
	gmtime_r(&seconds, &tm);
	used = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, CLOCK_TEXT_SIZE - used, ".%06uZ", (unsigned)(fraction / 1000) % 1000000);
}

/* Reads ".123…" to nanoseconds; digits past the ninth are dropped. */
static const char *parse_fraction(const char *text, int64_t *ns)
{
	int64_t unit = NS_PER_SECOND / 10;

	*ns = 0;
	if (*text != '.')
		return text;
	for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
		*ns += (*text - '0') * unit;
	return text;
}

/* Reads "Z", "+hh:mm" or Postgres' "+hh" to seconds east of UTC. */
static bool parse_offset(const char *text, int *seconds)
{
	int hours, minutes = 0, used = 0;

	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
		*seconds = 0;
		return true;
	}
	if (*text != '+' && *text != '-')
		return false;
	if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) < 2 &&
	    sscanf(text + 1, "%2d%n", &hours, &used) < 1)
		return false;
	if (text[1 + used] != '\0' || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * 60 + minutes) * 60 * (*text == '-' ? -1 : 1);
	return true;
}

bool clock_parse(const char *text, int64_t *unix_ns)
{
	struct tm tm = { 0 };
	int used = 0, offset;
	int64_t fraction;

	if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6)
		return false;
	if (tm.tm_year < 1678 || tm.tm_year > 2261 || tm.tm_mon < 1 || tm.tm_mon > 12 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	if (!parse_offset(parse_fraction(text + used, &fraction), &offset))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*unix_ns = ((int64_t)timegm(&tm) - offset) * NS_PER_SECOND + fraction;
	return true;
}

void clock_sleep_ms(unsigned milliseconds)
{
	struct timespec left = { .tv_sec = milliseconds / 1000,
				 .tv_nsec = (long)(milliseconds % 1000) * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}
