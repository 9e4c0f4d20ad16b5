/* Buffers with limits, and the checks on foreign text. */
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

static void a_buffer_grows_to_its_limit_and_no_further(void **state)
{
	cleanup_text struct text text = { .limit = 100 };

	(void)state;
	for (int i = 0; i < 10; i++)
		text_printf(&text, "%s", "0123456789");
	assert_false(text.failed);
	assert_int_equal(text.length, 100);
	text_append(&text, "x", 1);
	assert_true(text.failed);
	assert_int_equal(text.length, 100);
	text_add(&text, "");
	assert_true(text.failed);
	assert_null(text_steal(&text));
	assert_false(text.failed);
}

static void a_length_cannot_wrap_around(void **state)
{
	cleanup_text struct text text = { .limit = 100 };

	(void)state;
	text_add(&text, "abc");
	text_append(&text, "x", SIZE_MAX - 2);
	assert_true(text.failed);
	assert_string_equal(text.data, "abc");
}

static void bytes_may_be_nul(void **state)
{
	cleanup_text struct text text = { 0 };

	(void)state;
	text_append(&text, "a\0b", 3);
	assert_int_equal(text.length, 3);
	assert_memory_equal(text.data, "a\0b", 4);
}

static void an_empty_buffer_gives_an_empty_string(void **state)
{
	cleanup_text struct text text = { 0 };
	cleanup_free char *stolen = text_steal(&text);

	(void)state;
	assert_string_equal(stolen, "");
	assert_null(text.data);
}

static void only_utf8_is_utf8(void **state)
{
	static const char *const good[] = {
		"", "a", "\u00e9", "\u6f22", "\U0001f600", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"
	};
	static const char *const bad[] = { "\x80",
					   "\xc3",
					   "\xc0\xaf",
					   "\xc1\xbf",
					   "\xe0\x80\xaf",
					   "\xed\xa0\x80",
					   "\xf0\x80\x80\xaf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff",
					   "\xe6\xbc",
					   ("a\xe6\xbc"
					    "b") };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!text_is_utf8(good[i], strlen(good[i])))
			fail_msg("good %zu is refused", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (text_is_utf8(bad[i], strlen(bad[i])))
			fail_msg("bad %zu is taken", i);
}

static void cleaned_text_cannot_steer_a_terminal(void **state)
{
	char text[] = "a\033[31m\nb\x7f\xc2\x9b"
		      "c\xff\u6f22\xe6\xbc";

	(void)state;
	text_clean(text);
	assert_string_equal(text, "a?[31m?b???c?\u6f22??");
	assert_false(text_has_control(text));
	assert_true(text_is_utf8(text, strlen(text)));
}

static void controls_are_seen(void **state)
{
	(void)state;
	assert_true(text_has_control("a\tb"));
	assert_true(text_has_control("\x7f"));
	assert_true(text_has_control("\xc2\x85"));
	assert_false(text_has_control("\u00a0\u00e9"));
}

static void identifiers_follow_containerds_rule(void **state)
{
	static const char *const good[] = {
		"a",       "0",  "a-b",
		"a.b_c-d", "A9", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
	};
	static const char *const bad[] = {
		"",       "-a",   "a-",  ".",
		"a..b",   "a-_b", "a b", "a/b",
		"\u00e9", "a\n",  "..",  "12345678901234567890123456789012345678901234567890123456789012345678901234567"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!text_is_identifier(good[i]))
			fail_msg("'%s' is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (text_is_identifier(bad[i]))
			fail_msg("'%s' is taken", bad[i]);
}

static void white_space_is_trimmed(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" }, { " \t\r\n", "" }, { "a", "a" }, { "  a b\n", "a b" }, { "\u00a0a", "\u00a0a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_free char *trimmed = text_trimmed(cases[i][0]);

		assert_string_equal(trimmed, cases[i][1]);
	}
}

static void digits_and_prefixes(void **state)
{
	(void)state;
	assert_true(text_is_digits("0123456789"));
	assert_false(text_is_digits(""));
	assert_false(text_is_digits("12a"));
	assert_false(text_is_digits("-1"));
	assert_true(text_starts_with("workspace-1", "workspace-"));
	assert_false(text_starts_with("work", "workspace-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_to_its_limit_and_no_further),
		cmocka_unit_test(a_length_cannot_wrap_around),
		cmocka_unit_test(bytes_may_be_nul),
		cmocka_unit_test(an_empty_buffer_gives_an_empty_string),
		cmocka_unit_test(only_utf8_is_utf8),
		cmocka_unit_test(cleaned_text_cannot_steer_a_terminal),
		cmocka_unit_test(controls_are_seen),
		cmocka_unit_test(identifiers_follow_containerds_rule),
		cmocka_unit_test(white_space_is_trimmed),
		cmocka_unit_test(digits_and_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
