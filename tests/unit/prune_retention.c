/* Which versions the rules of retention keep, on fixed times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/options.h"
#include "prune/retention.h"

#define MOST 64

static int64_t time_of(const char *text)
{
	int64_t ns;

	assert_true(clock_parse(text, &ns));
	return ns;
}

static int compare_numbers(const void *a, const void *b)
{
	return ((const struct retention_version *)a)->version - ((const struct retention_version *)b)->version;
}

/* Version n was made at the n-th time; `kept` are the numbers that are to stay. */
static void expect_kept(const struct keep_rules *rules, const char *const *times, const char *kept)
{
	struct retention_version versions[MOST] = { 0 };
	struct text found = { 0 };
	size_t count = 0;

	for (; times[count]; count++)
		versions[count] = (struct retention_version){ .version = (int32_t)count + 1,
							      .created_ns = time_of(times[count]) };
	retention_apply(rules, time_of("2030-01-01T00:00:00Z"), versions, count);
	for (size_t i = 1; i < count; i++)
		assert_true(versions[i - 1].created_ns >= versions[i].created_ns);
	qsort(versions, count, sizeof(*versions), compare_numbers);
	for (size_t i = 0; i < count; i++)
		if (versions[i].kept)
			text_printf(&found, "%s%d", found.length ? " " : "", versions[i].version);
	assert_string_equal(found.data ? found.data : "", kept);
	text_release(&found);
}

#define KEPT(numbers, rules, ...) \
	expect_kept(&(const struct keep_rules)rules, (const char *const[]){ __VA_ARGS__, NULL }, numbers)
#define RULES(...)          \
	{                   \
		__VA_ARGS__ \
	}

static void last(void **state)
{
	static const char *const times[] = { "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z",
					     "2026-01-01T00:00:02Z", NULL };

	(void)state;
	expect_kept(&(const struct keep_rules){ .last = 1 }, times, "4");
	expect_kept(&(const struct keep_rules){ .last = 3 }, times, "2 3 4");
	expect_kept(&(const struct keep_rules){ .last = 99 }, times, "1 2 3 4");
	expect_kept(&(const struct keep_rules){ 0 }, times, "");
}

static void hours(void **state)
{
	(void)state;
	KEPT("3 4", RULES(.hourly = 2), "2026-03-01T08:10:00Z", "2026-03-01T09:00:00Z", "2026-03-01T09:59:59.999Z",
	     "2026-03-01T10:00:00Z");
	/* The same hour of another day is another hour. */
	KEPT("2 3", RULES(.hourly = 2), "2026-02-28T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z");
}

static void days(void **state)
{
	(void)state;
	KEPT("2 4", RULES(.daily = 2), "2026-02-28T00:00:00Z", "2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z",
	     "2026-03-01T12:00:00Z");
	/* Days are those of UTC, whatever offset a time was written with. */
	KEPT("1 2", RULES(.daily = 2), "2026-06-01T01:30:00+02:00", "2026-06-01T02:30:00+02:00");
	KEPT("2", RULES(.daily = 1), "2026-06-01T02:30:00+02:00", "2026-06-02T01:30:00+02:00");
}

static void weeks(void **state)
{
	(void)state;
	/* 2027-01-01 to 03 still lie in week 53 of 2026; week 1 of 2025 begins in 2024. */
	KEPT("3 4", RULES(.weekly = 2), "2026-12-28T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-03T23:59:59Z",
	     "2027-01-04T00:00:00Z");
	KEPT("1 3", RULES(.weekly = 2), "2024-12-29T23:00:00Z", "2024-12-30T00:00:00Z", "2025-01-05T23:59:59Z");
	/* 2021-01-01 is of week 53 of 2020, a leap year. */
	KEPT("2", RULES(.weekly = 1), "2020-12-31T00:00:00Z", "2021-01-01T00:00:00Z");
}

static void months_and_years(void **state)
{
	(void)state;
	KEPT("2 3", RULES(.monthly = 2), "2026-01-01T00:00:00Z", "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z");
	KEPT("2 3", RULES(.monthly = 2), "2024-05-01T00:00:00Z", "2025-05-01T00:00:00Z", "2026-05-01T00:00:00Z");
	KEPT("2 3", RULES(.yearly = 2), "2024-06-01T00:00:00Z", "2024-12-31T23:59:59Z", "2025-01-01T00:00:00Z");
}

static void oldest_stays_while_there_is_room(void **state)
{
	(void)state;
	KEPT("1 3", RULES(.daily = 2), "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T03:00:00Z");
	KEPT("3", RULES(.daily = 1), "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T03:00:00Z");
}

static void within(void **state)
{
	static const char *const times[] = { "2026-01-01T00:00:00Z", "2026-01-02T11:59:59Z", "2026-01-02T12:00:00Z",
					     "2026-01-02T12:00:01Z", "2026-01-04T00:00:00Z", NULL };

	(void)state;
	expect_kept(&(const struct keep_rules){ .within = { .hours = 36 } }, times, "4 5");
	expect_kept(&(const struct keep_rules){ .within = { .hours = 1 } }, times, "5");
	expect_kept(&(const struct keep_rules){ .within = { .years = 999999 } }, times, "1 2 3 4 5");
	/* A version out of the future stays, and does not shift what the others are measured from. */
	KEPT("2 3", RULES(.within.hours = 1), "2026-01-01T00:00:00Z", "2026-01-01T10:00:00Z", "2200-01-01T00:00:00Z");
}

/* Leap years and the lengths of months count, as in restic. */
static void within_goes_by_the_calendar(void **state)
{
	(void)state;
	KEPT("2 3", RULES(.within.years = 2), "2023-03-15T12:00:00Z", "2023-03-15T18:00:00Z", "2025-03-15T12:00:00Z");
	KEPT("2 3", RULES(.within.months = 12), "2024-03-15T11:00:00Z", "2024-03-15T18:00:00Z", "2025-03-15T12:00:00Z");
	KEPT("2 3", RULES(.within.months = 1), "2026-03-02T23:00:00Z", "2026-03-03T01:00:00Z", "2026-03-31T00:00:00Z");
}

static void rules_add_up(void **state)
{
	static const char *const times[] = { "2023-05-01T00:00:00Z",
					     "2024-05-01T00:00:00Z",
					     "2026-04-01T00:00:00Z",
					     "2026-05-01T00:00:00Z",
					     "2026-05-01T01:00:00Z",
					     "2026-05-02T00:00:00Z",
					     NULL };

	(void)state;
	expect_kept(&(const struct keep_rules){ .last = 1, .daily = 2, .yearly = 2 }, times, "2 5 6");
	expect_kept(&(const struct keep_rules){ .hourly = 1, .within = { .days = 1 } }, times, "5 6");
}

/* A clock that was set back: the last ones are those with the greatest numbers, days are days. */
static void last_is_by_number_and_days_are_by_time(void **state)
{
	(void)state;
	KEPT("2 3", RULES(.last = 2), "2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
	KEPT("1 3", RULES(.daily = 2), "2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
}

/* A clock that was ahead: what it dated stays, and takes no place of what was dated rightly. */
static void the_future_stays_and_counts_for_no_rule_of_time(void **state)
{
	(void)state;
	KEPT("1 2 4 5", RULES(.last = 2), "2031-01-01T00:00:00Z", "2031-01-02T00:00:00Z", "2026-01-01T00:00:00Z",
	     "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
	KEPT("1 2 4 5", RULES(.daily = 2), "2031-01-01T00:00:00Z", "2031-01-02T00:00:00Z", "2026-01-01T00:00:00Z",
	     "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
	KEPT("1 2 5", RULES(.yearly = 1), "2031-01-01T00:00:00Z", "2032-01-02T00:00:00Z", "2026-01-01T00:00:00Z",
	     "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
	/* The newest by number may be of the future. */
	KEPT("3 4", RULES(.last = 2), "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2031-01-01T00:00:00Z",
	     "2031-01-02T00:00:00Z");
}

static void any_rules(void **state)
{
	(void)state;
	assert_false(retention_has_rules(&(const struct keep_rules){ 0 }));
	assert_true(retention_has_rules(&(const struct keep_rules){ .yearly = 1 }));
	assert_true(retention_has_rules(&(const struct keep_rules){ .within = { .hours = 1 } }));
	retention_apply(&(const struct keep_rules){ .last = 1 }, 0, NULL, 0);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		struct duration duration;
	} good[] = { { "36h", { .hours = 36 } },
		     { "14d", { .days = 14 } },
		     { "3m", { .months = 3 } },
		     { "1y2m", { .years = 1, .months = 2 } },
		     { "2y6m7d12h", { 2, 6, 7, 12 } } };
	static const char *const junk[] = { "",
					    "3",
					    "h",
					    "3q",
					    "-1d",
					    "+1d",
					    "1 d",
					    "1d ",
					    "1.5d",
					    "0x1d",
					    "99999999999999999999y",
					    "9999999999999999y" };
	struct error err = { 0 };
	struct duration duration = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(option_set_duration(good[i].text, &duration, &err), 0);
		assert_memory_equal(&duration, &good[i].duration, sizeof(duration));
	}
	for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++)
		assert_int_equal(option_set_duration(junk[i], &duration, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last),
		cmocka_unit_test(hours),
		cmocka_unit_test(days),
		cmocka_unit_test(weeks),
		cmocka_unit_test(months_and_years),
		cmocka_unit_test(oldest_stays_while_there_is_room),
		cmocka_unit_test(within),
		cmocka_unit_test(within_goes_by_the_calendar),
		cmocka_unit_test(rules_add_up),
		cmocka_unit_test(last_is_by_number_and_days_are_by_time),
		cmocka_unit_test(the_future_stays_and_counts_for_no_rule_of_time),
		cmocka_unit_test(any_rules),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
