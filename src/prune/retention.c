#include "prune/retention.h"

#include <stdlib.h>
#include <time.h>

#define NS_PER_S ((int64_t)1000000000)

/* A rule while it is applied: in which period a time lies, and how many versions it may still keep. */
struct rule {
	int64_t (*period)(const struct tm *time, size_t position);
	int left;
	int64_t last; /* the period of the version it kept last, -1 at first */
};

static int64_t period_of_one(const struct tm *time, size_t position)
{
	(void)time;
	return (int64_t)position;
}

static int64_t period_year(const struct tm *time, size_t position)
{
	(void)position;
	return time->tm_year + (int64_t)1900;
}

static int64_t period_month(const struct tm *time, size_t position)
{
	return period_year(time, position) * 100 + time->tm_mon;
}

static int64_t period_day(const struct tm *time, size_t position)
{
	return period_month(time, position) * 100 + time->tm_mday;
}

static int64_t period_hour(const struct tm *time, size_t position)
{
	return period_day(time, position) * 100 + time->tm_hour;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* ISO 8601: a week belongs to the year that its Thursday lies in. */
static int64_t period_week(const struct tm *time, size_t position)
{
	int64_t year = period_year(time, position);
	int thursday = time->tm_yday + 3 - (time->tm_wday + 6) % 7;

	if (thursday < 0) {
		year--;
		thursday += is_leap(year) ? 366 : 365;
	} else if (thursday >= (is_leap(year) ? 366 : 365)) {
		thursday -= is_leap(year) ? 366 : 365;
		year++;
	}
	return year * 100 + thursday / 7;
}

static bool is_given(const struct duration *duration)
{
	return duration->years > 0 || duration->months > 0 || duration->days > 0 || duration->hours > 0;
}

bool retention_has_rules(const struct keep_rules *rules)
{
	return rules->last > 0 || rules->hourly > 0 || rules->daily > 0 || rules->weekly > 0 || rules->monthly > 0 ||
	       rules->yearly > 0 || is_given(&rules->within);
}

static int compare_newest_first(const void *a, const void *b)
{
	const struct retention_version *left = a, *right = b;

	if (left->created_ns != right->created_ns)
		return left->created_ns < right->created_ns ? 1 : -1;
	return (left->version < right->version) - (left->version > right->version);
}

static bool rule_keeps(struct rule *rule, const struct tm *time, size_t position, bool is_oldest)
{
	int64_t period = rule->period(time, position);

	if (rule->left == 0 || (period == rule->last && !is_oldest))
		return false;
	rule->last = period;
	rule->left--;
	return true;
}

/* What `within` is relative to. A version out of the future, from a clock that was wrong, does not count. */
static int64_t find_latest(int64_t now_ns, const struct retention_version *versions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (versions[i].created_ns <= now_ns)
			return versions[i].created_ns;
	return now_ns;
}

/* The time so much before another one: fields of a date that are out of their range count on (timegm(3)). */
static int64_t before(int64_t unix_ns, const struct duration *duration)
{
	time_t seconds = (time_t)(unix_ns / NS_PER_S);
	struct tm time = { 0 };
	int64_t result;

	gmtime_r(&seconds, &time);
	time.tm_year -= duration->years;
	time.tm_mon -= duration->months;
	time.tm_mday -= duration->days;
	time.tm_hour -= duration->hours;
	return __builtin_mul_overflow((int64_t)timegm(&time), NS_PER_S, &result) ? INT64_MIN
										 : result + unix_ns % NS_PER_S;
}

void retention_apply(const struct keep_rules *rules, int64_t now_ns, struct retention_version *versions, size_t count)
{
	struct rule applied[] = {
		{ period_of_one, rules->last, -1 },   { period_hour, rules->hourly, -1 },
		{ period_day, rules->daily, -1 },     { period_week, rules->weekly, -1 },
		{ period_month, rules->monthly, -1 }, { period_year, rules->yearly, -1 },
	};
	int64_t limit_ns;

	if (count == 0)
		return;
	qsort(versions, count, sizeof(*versions), compare_newest_first);
	limit_ns = before(find_latest(now_ns, versions, count), &rules->within);
	for (size_t i = 0; i < count; i++) {
		time_t seconds = (time_t)(versions[i].created_ns / NS_PER_S);
		struct tm time = { 0 };

		gmtime_r(&seconds, &time);
		versions[i].kept = is_given(&rules->within) && versions[i].created_ns > limit_ns;
		for (size_t r = 0; r < sizeof(applied) / sizeof(*applied); r++)
			if (rule_keeps(&applied[r], &time, i, i == count - 1))
				versions[i].kept = true;
	}
}
