/* Times as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define NS 1000000000LL

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00.000000001Z", 1 },
		{ "1970-01-01T00:00:00.1234567899Z", 123456789 },
		{ "1969-12-31T23:59:59.5Z", -500000000 },
		{ "2000-02-29T12:00:00Z", 951825600 * NS },
		{ "2024-02-29t23:59:59z", 1709251199 * NS },
		{ "2016-12-31T23:59:60Z", 1483228800 * NS },
		{ "2026-01-01T00:30:00+01:00", 1767223800 * NS },
		{ "2026-01-01 00:00:00+00", 1767225600 * NS },
		{ "2025-12-31T20:30:00.25-03:30", 1767225600 * NS + 250000000 },
		{ "1678-01-01T00:00:00Z", -9214560000 * NS },
		{ "2261-12-31T23:59:59Z", 9214646399 * NS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t ns = -1;

		if (!clock_parse(cases[i].text, &ns) || ns != cases[i].ns)
			fail_msg("'%s' is read as %lld, not %lld", cases[i].text, (long long)ns,
				 (long long)cases[i].ns);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"now",
		"2026-01-01",
		"2026-01-01T00:00:00",
		"2026-01-01T00:00Z",
		"2026-1-1T00:00:00Z",
		"2026- 1- 1T00:00:00Z",
		"+026-01-01T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00ZZ",
		"2026-01-01T00:00:00 Z",
		"2026-01-01T00:00:00+1:00",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+01:60",
		"2026-01-01T00:00:00+01:",
		"2026-01-01T00:00:00+0100",
		"2026-01-01T00:00:00--1:00",
		"2026-01-01T-1:00:00Z",
		"1677-12-31T23:59:59Z",
		"2262-01-01T00:00:00Z",
		"2026/01/01T00:00:00Z",
		"2026-01-01X00:00:00Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t ns;

		if (clock_parse(cases[i], &ns))
			fail_msg("'%s' is taken for a time", cases[i]);
	}
}

static void times_are_written(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	clock_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	clock_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
	clock_format(1709251199123456789, text);
	assert_string_equal(text, "2024-02-29T23:59:59.123456Z");
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "2262-04-11T23:47:16.854775Z");
	clock_format(INT64_MIN, text);
	assert_string_equal(text, "1677-09-21T00:12:43.145224Z");
}

static void the_steady_clock_never_goes_back(void **state)
{
	double before = clock_monotonic_ms();

	(void)state;
	clock_sleep_ms(2);
	assert_true(clock_monotonic_ms() - before >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_are_written),
		cmocka_unit_test(the_steady_clock_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
