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
#include "base/text.h"
#include "base/visible.h"
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
		{ "\u200b", "'\u200b' cannot be a name: nothing of it can be seen" },
		{ "\u3000 \u2800\ufe0f", "'\u3000 \u2800\ufe0f' cannot be a name: nothing of it can be seen" },
		{ "\u202eevil", "a name cannot begin with a bidirectional override" },
		{ "\u200b \u202dname", "a name cannot begin with a bidirectional override" },
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

/* One of each kind that has no glyph, alone and doubled; beside a letter it can be seen. */
static void a_name_can_be_seen(void **state)
{
	static const char *const invisible[] = {
		"\u00a0", "\u00ad", "\u034f", "\u061c",     "\u115f",     "\u1160",     "\u1680", "\u17b4", "\u180e",
		"\u2000", "\u200b", "\u200c", "\u200d",     "\u200e",     "\u200f",     "\u2028", "\u2029", "\u202a",
		"\u202f", "\u205f", "\u2060", "\u2064",     "\u2066",     "\u206f",     "\u2800", "\u3000", "\u3164",
		"\ufe0f", "\ufeff", "\uffa0", "\U0001d173", "\U000e0001", "\U000e0100",
	};
	static const char *const visible[] = { "é", "日本語", "🐳", "مرحبا", "\u200fשלום", "👩\u200d💻", "a\u202eb", "." };

	(void)state;
	for (size_t i = 0; i < sizeof(invisible) / sizeof(*invisible); i++) {
		cleanup_free char *doubled = text_format("%s%s", invisible[i], invisible[i]);
		cleanup_free char *marked = text_format("%sx", invisible[i]);
		struct error err = { 0 };

		assert_null(name_check(invisible[i], &err));
		assert_null(name_check(doubled, &err));
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_true(visible_has_any(marked));
	}
	for (size_t i = 0; i < sizeof(visible) / sizeof(*visible); i++) {
		struct error err = { 0 };
		cleanup_free char *name = name_check(visible[i], &err);

		assert_string_equal(name, visible[i]);
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
		cmocka_unit_test(a_name_can_be_seen),
		cmocka_unit_test(sources_are_short_words),
		cmocka_unit_test(a_version_without_a_name_shows_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
