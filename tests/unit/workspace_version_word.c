/* What a VERSION argument can say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "workspace/version_word.h"

static void digits_are_a_number_and_others_a_name(void **state)
{
	cleanup_version_word struct version_word word = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(version_word_parse("2147483647", &word, &err), 0);
	assert_int_equal(word.kind, VERSION_WORD_NUMBER);
	assert_int_equal(word.number, INT32_MAX);
	assert_int_equal(version_word_parse("0012", &word, &err), 0);
	assert_int_equal(word.number, 12);
	assert_int_equal(version_word_parse(" v1.2 ", &word, &err), 0);
	assert_int_equal(word.kind, VERSION_WORD_NAME);
	assert_string_equal(word.name, "v1.2");
}

static void a_place_counts_back(void **state)
{
	static const struct {
		const char *text;
		int32_t back;
	} cases[] = { { "@", 0 },   { " @ ", 0 },     { "@-0", 0 },
		      { "@-1", 1 }, { "@-0012", 12 }, { "@-2147483647", INT32_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct version_word word;
		struct error err = { 0 };

		assert_int_equal(version_word_parse(cases[i].text, &word, &err), 0);
		assert_int_equal(word.kind, VERSION_WORD_BACK);
		assert_int_equal(word.number, cases[i].back);
	}
}

static void an_age_or_a_time_is_a_moment(void **state)
{
	static const struct {
		const char *text, *moment;
	} cases[] = {
		{ "@0s", "2026-03-31T12:00:00Z" },
		{ "@90s", "2026-03-31T11:58:30Z" },
		{ "@5min", "2026-03-31T11:55:00Z" },
		{ "@2h", "2026-03-31T10:00:00Z" },
		{ "@1d12h", "2026-03-30T00:00:00Z" },
		{ "@2w", "2026-03-17T12:00:00Z" },
		{ "@1m", "2026-03-03T12:00:00Z" },
		{ "@1y1m", "2025-03-03T12:00:00Z" },
		{ "@2026-01-31T23:59:58.5Z", "2026-01-31T23:59:58.5Z" },
		{ "@2026-01-31T23:59:58+02:00", "2026-01-31T21:59:58Z" },
		{ "@2026-01-31T23:59:58", "2026-01-31T23:59:58Z" },
		{ "@2026-01-31T23:59", "2026-01-31T23:59:00Z" },
		{ "@2026-01-31T23:59-01:30", "2026-02-01T01:29:00Z" },
		{ "@2026-01-31 23:59", "2026-01-31T23:59:00Z" },
		{ "@2026-01-31", "2026-01-31T00:00:00Z" },
	};
	int64_t now, moment;

	(void)state;
	assert_true(clock_parse("2026-03-31T12:00:00Z", &now));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct version_word word;
		struct error err = { 0 };

		assert_int_equal(version_word_parse(cases[i].text, &word, &err), 0);
		assert_true(clock_parse(cases[i].moment, &moment));
		assert_int_equal(version_word_time(&word, now), moment);
	}
}

static void an_age_beyond_all_clocks_lies_before_everything(void **state)
{
	struct version_word word;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(version_word_parse("@9999y", &word, &err), 0);
	assert_int_equal(version_word_time(&word, 0), INT64_MIN);
}

static void what_is_no_version_is_a_usage_error(void **state)
{
	static const char *const bad[] = {
		"0",
		"000",
		"2147483648",
		"99999999999999999999999",
		"",
		"@x",
		"@--1",
		"@-",
		"@-1h",
		"@2",
		"@h",
		"@2h3",
		"@2H",
		"@1.5h",
		"@2 h",
		"@-2147483648",
		"@ 1",
		"@@",
		"@99999999h",
		"@10000y",
		"@2026-01-32T00:00",
		"@2026-02-30",
		"@2026-01-31T24:00",
		"@2026-01-31T23:59:58 ago",
		"@2026-01-31T23",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct version_word word;
		struct error err = { 0 };

		assert_int_equal(version_word_parse(bad[i], &word, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_int_equal(word.number, 0);
		assert_null(word.name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_a_number_and_others_a_name),
		cmocka_unit_test(a_place_counts_back),
		cmocka_unit_test(an_age_or_a_time_is_a_moment),
		cmocka_unit_test(an_age_beyond_all_clocks_lies_before_everything),
		cmocka_unit_test(what_is_no_version_is_a_usage_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
