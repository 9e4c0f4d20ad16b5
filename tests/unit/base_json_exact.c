/* Documents that are read, and written again as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"

static void keep(const char *text, const char *expected)
{
	struct error err = { 0 };
	cleanup_json cJSON *json = json_parse_exact(text, strlen(text), "it", &err);
	cleanup_free char *printed = NULL;

	assert_non_null(json);
	printed = json_print(json, &err);
	assert_string_equal(printed, expected);
}

static void refuse(const char *bytes, size_t length)
{
	struct error err = { 0 };

	assert_null(json_parse_exact(bytes, length, "it", &err));
	assert_int_equal(err.kind, ERROR_FAILED);
}

static void test_kept(void **state)
{
	static const char *const same[] = {
		"18446744073709551615",
		"-9223372036854775808",
		"[1000000000000000,999999999999999]",
		"[0.1,1e300,1E+5,-0.0,123456789012345678901234567890]",
		"{\"a\":\"1e5\",\"1e5\":\"\\\"2e5\",\"b\":3e5}",
		"[\"\\\\\",1e5]",
		"[true,false,null,\"e\",{\"e\":1e1}]",
		"\"\\\\u0000\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		keep(same[i], same[i]);
	keep(" { \"a\" : 18446744073709551615 , \"b\":[ 1 , 2.50 ] } ", "{\"a\":18446744073709551615,\"b\":[1,2.50]}");
}

static void test_refused(void **state)
{
	(void)state;
	refuse("", 0);
	refuse("[1,", 3);
	refuse("\"\\u0000\"", 8);
	refuse("{\"\\u0000\":1}", 12);
	refuse("1\0", 2);
	refuse("\"abc", 4);
	refuse("\"abc\\", 5);
	refuse("1 2", 3);
}

/* A document whose last byte is the last of a page behind which nothing may be read. */
static void test_no_byte_behind_the_end(void **state)
{
	static const char *const numbers[] = { "7", "-7", "1234567890123456789012345", "1e5", "0.125", "[1,12]" };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		size_t length = strlen(numbers[i]);
		struct error err = { 0 };
		cleanup_free char *printed = NULL;
		cleanup_json cJSON *json = NULL;

		memcpy(pages + page - length, numbers[i], length);
		json = json_parse_exact(pages + page - length, length, "it", &err);
		assert_non_null(json);
		printed = json_print(json, &err);
		assert_string_equal(printed, numbers[i]);
	}
	munmap(pages, 2 * page);
}

static void test_integers(void **state)
{
	static const char text[] =
		"{\"a\":9223372036854775807,\"b\":9223372036854775808,\"c\":-9223372036854775808,\"d\":1e5}";
	struct error err = { 0 };
	cleanup_json cJSON *json = json_parse_exact(text, strlen(text), "it", &err);

	(void)state;
	assert_non_null(json);
	assert_true(json_integer(json, "a", 7) == INT64_MAX);
	assert_true(json_integer(json, "b", 7) == 7);
	assert_true(json_integer(json, "c", 7) == INT64_MIN);
	assert_true(json_integer(json, "d", 7) == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_byte_behind_the_end),
		cmocka_unit_test(test_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
