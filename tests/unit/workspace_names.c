/* The names that users give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "workspace/names.h"
#include "workspace/target.h"

static void names_are_trimmed_and_checked(void **state)
{
	char longest[NAME_MAX_BYTES + 2];
	struct error err = { 0 };
	cleanup_free char *trimmed = name_check("  before upgrade\n", &err), *full = NULL;

	(void)state;
	assert_string_equal(trimmed, "before upgrade");
	memset(longest, 'x', sizeof(longest));
	longest[NAME_MAX_BYTES] = '\0';
	full = name_check(longest, &err);
	assert_non_null(full);
	longest[NAME_MAX_BYTES] = 'x';
	longest[NAME_MAX_BYTES + 1] = '\0';
	assert_null(name_check(longest, &err));
	assert_non_null(strstr(err.message, "it has 129 bytes, more than 128"));
}

static void what_is_no_name_is_a_usage_error(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "'' cannot be a name: it is empty" },
		{ " \t ", "'' cannot be a name: it is empty" },
		{ "a\nb", "'a?b' cannot be a name: it has control characters" },
		{ "a\xc2\x85", "'a?"
			       "?' cannot be a name: it has control characters" },
		{ "\xff", "'?' cannot be a name: it is not UTF-8" },
		{ "@home", "'@home' cannot be a name: '@' says a version's place or time" },
		{ "007", "'007' cannot be a name: digits alone are a version's number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };

		assert_null(name_check(cases[i].text, &err));
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_string_equal(err.message, cases[i].message);
	}
}

static void sources_are_short_words(void **state)
{
	static const char *const bad[] = { "", "Manual", "a b", "a.b", "\u00e9", "123456789012345678901234567890123" };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(name_check_source("pre_exec-2", &err), 0);
	assert_int_equal(name_check_source("12345678901234567890123456789012", &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(name_check_source(bad[i], &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static void a_version_without_a_name_shows_its_number(void **state)
{
	cleanup_free char *named = name_shown("first", 3), *unnamed = name_shown(NULL, 3);

	(void)state;
	assert_string_equal(named, "first");
	assert_string_equal(unnamed, "Version 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_trimmed_and_checked),
		cmocka_unit_test(what_is_no_name_is_a_usage_error),
		cmocka_unit_test(sources_are_short_words),
		cmocka_unit_test(a_version_without_a_name_shows_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
