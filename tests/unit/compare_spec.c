/* What differs between two documents of what makes a container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "compare/spec.h"

/* All changes, one a line: "M /path before -> after". */
static char *differences(const char *before, const char *now)
{
	cleanup_spec_changes struct spec_changes changes = { 0 };
	cleanup_text struct text lines = { 0 };
	struct error err = { 0 };

	assert_int_equal(spec_compare(before, now, &changes, &err), 0);
	text_add(&lines, "");
	for (size_t i = 0; i < changes.count; i++) {
		const struct spec_change *change = &changes.items[i];

		assert_true((change->change == 'A') == !change->before);
		assert_true((change->change == 'D') == !change->now);
		text_printf(&lines, "%c %s %s%s%s\n", change->change, change->path,
			    change->before ? change->before : "", change->change == 'M' ? " -> " : "",
			    change->now ? change->now : "");
	}
	return text_steal(&lines);
}

static void expect_differences(const char *wanted, const char *before, const char *now)
{
	cleanup_free char *found = differences(before, now);

	assert_non_null(found);
	assert_string_equal(found, wanted);
}

static void test_values_and_members(void **state)
{
	(void)state;
	expect_differences("", "{\"a\":1,\"b\":{\"c\":[1,2]}}", "{\"b\":{\"c\":[1,2]},\"a\":1}");
	expect_differences("M /a 1 -> 2\nD /b true\nA /c {\"d\":null}\n", "{\"a\":1,\"b\":true}",
			   "{\"c\":{\"d\":null},\"a\":2}");
	expect_differences("M /a {\"x\":1} -> [1]\n", "{\"a\":{\"x\":1}}", "{\"a\":[1]}");
	expect_differences("M /a/x \"1\" -> 1\n", "{\"a\":{\"x\":\"1\"}}", "{\"a\":{\"x\":1}}");
	expect_differences("M  1 -> 2\n", "1", "2");
}

/* RFC 6901; and keys that a label may have. */
static void test_pointers(void **state)
{
	(void)state;
	expect_differences("M /labels/io.x~1y~0z \"1\" -> \"2\"\n", "{\"labels\":{\"io.x/y~z\":\"1\"}}",
			   "{\"labels\":{\"io.x/y~z\":\"2\"}}");
	expect_differences("A / 1\n", "{}", "{\"\":1}");
	expect_differences("M /A 1 -> 2\n", "{\"a\":1,\"A\":1}", "{\"a\":1,\"A\":2}");
}

/* More digits than a double has. */
static void test_large_numbers(void **state)
{
	(void)state;
	expect_differences("M /l 9223372036854775806 -> 9223372036854775807\n", "{\"l\":9223372036854775806}",
			   "{\"l\":9223372036854775807}");
}

static void test_elements(void **state)
{
	(void)state;
	expect_differences("A /0 \"N=1\"\n", "[\"A=1\",\"B=1\",\"C=1\"]", "[\"N=1\",\"A=1\",\"B=1\",\"C=1\"]");
	expect_differences("D /1 \"B=1\"\n", "[\"A=1\",\"B=1\",\"C=1\"]", "[\"A=1\",\"C=1\"]");
	expect_differences("M /1 \"B=1\" -> \"B=2\"\nA /3 \"D=1\"\n", "[\"A=1\",\"B=1\",\"C=1\"]",
			   "[\"A=1\",\"B=2\",\"C=1\",\"D=1\"]");
	expect_differences("M /1/b 1 -> 2\nD /2 {\"c\":1}\n", "[1,{\"a\":1,\"b\":1},{\"c\":1}]",
			   "[1,{\"a\":1,\"b\":2}]");
	expect_differences("D /0 1\nA /1 1\n", "[1,2]", "[2,1]");
	expect_differences("A /0 1\nA /1 2\n", "[]", "[1,2]");
	expect_differences("D /0 1\nD /1 2\n", "[1,2]", "[]");
	expect_differences("D /0/0 1\n", "[[1]]", "[[]]");
}

static struct text long_array(size_t count, const char *first)
{
	struct text text = { 0 };

	text_printf(&text, "[%s", first);
	for (size_t i = 1; i < count; i++)
		text_printf(&text, ",%zu", i);
	text_add(&text, "]");
	return text;
}

/* Two arrays that would take long to line up differ as a whole, and a thousand elements are lined up. */
static void test_long_arrays(void **state)
{
	cleanup_text struct text one = long_array(1000, "0"), other = long_array(1000, "\"x\"");
	cleanup_text struct text large = long_array(3000, "0"), larger = long_array(3000, "\"x\"");
	cleanup_free char *found = differences(large.data, larger.data);

	(void)state;
	expect_differences("M /0 0 -> \"x\"\n", one.data, other.data);
	assert_memory_equal(found, "M  [0,1,", 8);
}

static void test_no_documents(void **state)
{
	static const char *const bad[][2] = { { "{", "{}" }, { "{}", "" }, { "{} {}", "{}" } };
	struct spec_changes changes = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = { 0 };

		assert_int_equal(spec_compare(bad[i][0], bad[i][1], &changes, &err), -1);
		assert_int_equal(err.kind, ERROR_FAILED);
		assert_int_equal(changes.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_and_members), cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_large_numbers),      cmocka_unit_test(test_elements),
		cmocka_unit_test(test_long_arrays),        cmocka_unit_test(test_no_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
