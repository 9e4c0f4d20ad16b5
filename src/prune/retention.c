#include "prune/retention.h"

#include <stdlib.h>
#include <time.h>

#define NS_PER_S ((int64_t)1000000000)

/* A rule of time while it is applied: in which period a time lies, and how many versions it may still keep. */
struct rule {
	int64_t (*period)(const struct tm *time);
	int left;
	int64_t last; /* the period of the version it kept last, -1 at first */
};

static int64_t period_year(const struct tm *time)
{
	return time->tm_year + (int64_t)1900;
}

static int64_t period_month(const struct tm *time)
{
	return period_year(time) * 100 + time->tm_mon;
}

static int64_t period_day(const struct tm *time)
{
	return period_month(time) * 100 + time->tm_mday;
}

static int64_t period_hour(const struct tm *time)
{
	return period_day(time) * 100 + time->tm_hour;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* ISO 8601: a week belongs to the year that its Thursday lies in. */
static int64_t period_week(const struct tm *time)
{
	int64_t year = period_year(time);
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

static int compare_greatest_first(const void *a, const void *b)
{
	const struct retention_version *left = a, *right = b;

	return (left->version < right->version) - (left->version > right->version);
}

static bool rule_keeps(struct rule *rule, const struct tm *time, bool is_oldest)
{
	int64_t period = rule->period(time);

	if (rule->left == 0 || (period == rule->last && !is_oldest))
		return false;
	rule->last = period;
	rule->left--;
	return true;
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

/* Numbers are given one after the other, whatever the clock says. */
static void keep_last(int last, struct retention_version *versions, size_t count)
{
	qsort(versions, count, sizeof(*versions), compare_greatest_first);
	for (size_t i = 0; i < count; i++)
		versions[i].kept = i < (size_t)last;
}

/* The versions are sorted from newest to oldest, and none lies in the future. */
static void apply_times(const struct keep_rules *rules, struct retention_version *versions, size_t count)
{
	struct rule applied[] = {
		{ period_hour, rules->hourly, -1 }, { period_day, rules->daily, -1 },
		{ period_week, rules->weekly, -1 }, { period_month, rules->monthly, -1 },
		{ period_year, rules->yearly, -1 },
	};
	int64_t limit_ns = count ? before(versions[0].created_ns, &rules->within) : 0;

	for (size_t i = 0; i < count; i++) {
		time_t seconds = (time_t)(versions[i].created_ns / NS_PER_S);
		struct tm time = { 0 };

		gmtime_r(&seconds, &time);
		if (is_given(&rules->within) && versions[i].created_ns > limit_ns)
			versions[i].kept = true;
		for (size_t r = 0; r < sizeof(applied) / sizeof(*applied); r++)
			if (rule_keeps(&applied[r], &time, i == count - 1))
				versions[i].kept = true;
	}
}

size_t retention_apply(const struct keep_rules *rules, int64_t now_ns, struct retention_version *versions, size_t count)
{
	size_t future = 0;

	if (count == 0)
		return 0;
	keep_last(rules->last, versions, count);
	qsort(versions, count, sizeof(*versions), compare_newest_first);
	for (; future < count && versions[future].created_ns > now_ns; future++)
		versions[future].kept = true;
	apply_times(rules, versions + future, count - future);
	return future;
}
