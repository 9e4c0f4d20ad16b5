/* Names of devices: lists, metadata, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "device/device.h"

static void expect_names(char **names, size_t count, const char *joined)
{
	cleanup_text struct text text = { 0 };

	text_add(&text, "");
	for (size_t i = 0; i < count; i++)
		text_printf(&text, "%s%s", i ? " " : "", names[i]);
	assert_string_equal(text.data, joined);
	device_names_free(names, count);
}

static void parse(const char *list, const char *joined)
{
	struct error err = { 0 };
	char **names;
	size_t count;

	assert_int_equal(device_names_parse(list, &names, &count, &err), 0);
	expect_names(names, count, joined);
}

static void refuse(const char *list, const char *part)
{
	struct error err = { 0 };
	char **names;
	size_t count;

	assert_int_equal(device_names_parse(list, &names, &count, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.message, part));
	assert_null(names);
	assert_int_equal(count, 0);
}

static void metadata(const char *json, const char *joined)
{
	struct error err = { 0 };
	char **names;
	size_t count;

	assert_int_equal(device_names_from_metadata(json, &names, &count, &err), 0);
	expect_names(names, count, joined);
}

static void refuse_metadata(const char *json)
{
	struct error err = { 0 };
	char **names;
	size_t count;

	assert_int_equal(device_names_from_metadata(json, &names, &count, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_null(names);
}

static void test_lists(void **state)
{
	(void)state;
	parse(NULL, "");
	parse("", "");
	parse(" , ,,", "");
	parse("nvidia.com/gpu=0", "nvidia.com/gpu=0");
	parse("  v.com/c=a ,\tv.com/c=b\n", "v.com/c=a v.com/c=b");
	parse("v.com/c=a,v.com/c=b,v.com/c=a", "v.com/c=a v.com/c=b");
	parse("v/c=all,V_1.x/c-d.e_f=GPU-1:2.3", "v/c=all V_1.x/c-d.e_f=GPU-1:2.3");
}

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"gpu",         "v.com/c",      "v.com/c=",    "v.com=a",          "/c=a",
		"v.com/=a",    "=a",           "1v.com/c=a",  "v.com/1c=a",       "v.com/c/d=a",
		"v.com/c=a=b", "v.com/c=-a",   "v.com/c=a-",  "v.com./c=a",       "v.com/c-=a",
		"v.com/c=a b", "v.com/c=\x01", "v.com/c=a/b", "v.com/c=\xc3\xa4", "../c=a",
		"/dev/null",   "v.com/c==",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refuse(bad[i], "is not the name of a device");
	refuse("v.com/c=a,broken,v.com/c=b", "'broken'");
}

static void test_limits(void **state)
{
	cleanup_text struct text many = { 0 }, lengthy = { 0 };

	(void)state;
	for (int i = 0; i < 64; i++)
		text_printf(&many, "v.com/c=d%d,", i);
	parse("v.com/c=d1", "v.com/c=d1");
	{
		struct error err = { 0 };
		char **names;
		size_t count;

		assert_int_equal(device_names_parse(many.data, &names, &count, &err), 0);
		assert_int_equal(count, 64);
		device_names_free(names, count);
	}
	text_add(&many, "v.com/c=more");
	refuse(many.data, "'v.com/c=more' is one device too many");
	text_add(&lengthy, "v.com/c=");
	for (int i = 0; i < 600; i++)
		text_add(&lengthy, "x");
	refuse(lengthy.data, "is not the name of a device");
}

static void test_metadata(void **state)
{
	(void)state;
	metadata(NULL, "");
	metadata("", "");
	metadata("{}", "");
	metadata("[]", "");
	metadata("{\"workspace\":null}", "");
	metadata("{\"workspace\":{\"gpu\":{\"devices\":null}}}", "");
	metadata("{\"workspace\":{\"gpu\":{\"devices\":[]}}}", "");
	metadata("{\"workspace\":{\"gpu\":{\"devices\":\"v.com/c=a, v.com/c=b\"}}}", "v.com/c=a v.com/c=b");
	metadata("{\"workspace\":{\"gpu\":{\"devices\":[\" v.com/c=a\",\"\",\"v.com/c=a\"]}}}", "v.com/c=a");
	metadata("{\"Workspace\":{\"gpu\":{\"devices\":[\"v.com/c=a\"]}}}", "");
	refuse_metadata("{");
	refuse_metadata("{\"workspace\":{\"gpu\":{\"devices\":7}}}");
	metadata("{\"workspace\":{\"gpu\":{\"devices\":[7]}}}", "");
	metadata("{\"workspace\":{\"gpu\":{\"devices\":[7,\"v.com/c=a\",null,{},[\"v.com/c=b\"],true,\"v.com/c=d\"]}}}",
		 "v.com/c=a v.com/c=d");
	refuse_metadata("{\"workspace\":{\"gpu\":{\"devices\":{\"a\":\"b\"}}}}");
	refuse_metadata("{\"workspace\":{\"gpu\":{\"devices\":[\"v.com/c=a,v.com/c=b\"]}}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
