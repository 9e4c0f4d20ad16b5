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
	time_t seconds = (time_t)(unix_ns / NS_PER_SECOND);
	struct tm tm;
	size_t used;

	if (fraction < 0) {
		fraction += NS_PER_SECOND;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	used = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, CLOCK_TEXT_SIZE - used, ".%06uZ", (unsigned)(fraction / 1000) % 1000000);
}

/* Exactly `count` digits at *text, which then goes past them; -1 when they are not there. */
static int take_digits(const char **text, int count)
{
	int number = 0;

	for (; count; count--, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		number = number * 10 + (**text - '0');
	}
	return number;
}

/* `count` digits and the character before them, which must be one of `before`. */
static int take_part(const char **text, const char *before, int count)
{
	if (!**text || !strchr(before, **text))
		return -1;
	(*text)++;
	return take_digits(text, count);
}

/* Reads ".123…" to nanoseconds; digits past the ninth are dropped. */
static bool take_fraction(const char **text, int64_t *ns)
{
	int64_t unit = NS_PER_SECOND / 10;
	const char *at = *text;

	*ns = 0;
	if (*at != '.')
		return true;
	for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
		*ns += (*at - '0') * unit;
	if (at == *text + 1)
		return false;
	*text = at;
	return true;
}

/* Reads "Z", "+hh:mm" or Postgres' "+hh" to seconds east of UTC. */
static bool take_offset(const char *text, int *seconds)
{
	int sign = *text == '-' ? -1 : 1, hours, minutes = 0;

	*seconds = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	hours = take_part(&text, "+-", 2);
	if (*text)
		minutes = take_part(&text, ":", 2);
	if (*text || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * 60 + minutes) * 60 * sign;
	return true;
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **text, struct tm *tm)
{
	tm->tm_year = take_digits(text, 4);
	tm->tm_mon = take_part(text, "-", 2);
	tm->tm_mday = take_part(text, "-", 2);
	/* The years that nanoseconds in 64 bits hold whole. */
	return tm->tm_year >= 1678 && tm->tm_year <= 2261 && tm->tm_mon >= 1 && tm->tm_mon <= 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= days_of_month(tm->tm_year, tm->tm_mon);
}

static bool take_time(const char **text, struct tm *tm)
{
	tm->tm_hour = take_part(text, "Tt ", 2);
	tm->tm_min = take_part(text, ":", 2);
	tm->tm_sec = take_part(text, ":", 2);
	return tm->tm_hour >= 0 && tm->tm_hour <= 23 && tm->tm_min >= 0 && tm->tm_min <= 59 && tm->tm_sec >= 0 &&
	       tm->tm_sec <= 60;
}

bool clock_parse(const char *text, int64_t *unix_ns)
{
	struct tm tm = { 0 };
	int64_t fraction;
	int offset;

	if (!take_date(&text, &tm) || !take_time(&text, &tm) || !take_fraction(&text, &fraction) ||
	    !take_offset(text, &offset))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*unix_ns = ((int64_t)timegm(&tm) - offset) * NS_PER_SECOND + fraction;
	return true;
}

void clock_sleep_ms(unsigned milliseconds)
{
	struct timespec left = { .tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}
