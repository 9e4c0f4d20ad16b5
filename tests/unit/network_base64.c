/* Base64 with RFC 4648's own examples, and what is not base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "network/base64.h"

static const struct {
	const char *plain;
	const char *encoded;
} examples[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xfe\xfb", "//77" },
};

static void examples_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		cleanup_text struct text encoded = { 0 };
		cleanup_text struct text decoded = { 0 };

		base64_encode(examples[i].plain, strlen(examples[i].plain), &encoded);
		assert_string_equal(encoded.data, examples[i].encoded);
		assert_int_equal(base64_decode(examples[i].encoded, &decoded), 0);
		assert_string_equal(decoded.data, examples[i].plain);
		assert_int_equal(decoded.length, strlen(examples[i].plain));
	}
}

static void what_is_not_base64(void **state)
{
	static const char *const broken[] = { "Z",    "Zg",   "Zg=",    "Zg=a", "====", "Zg==Zg==",
					      "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm-_", "Z===" };

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		cleanup_text struct text decoded = { 0 };

		assert_int_equal(base64_decode(broken[i], &decoded), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_both_ways),
		cmocka_unit_test(what_is_not_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
