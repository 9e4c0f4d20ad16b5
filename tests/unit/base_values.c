/* Errors, labels, ids and JSON: the small values that everything is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "base/labels.h"
#include "base/text.h"

static void an_error_is_wrapped_outside_in(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(error_errno(&err, ERROR_BUSY, ENOENT, "'%s' cannot be opened", "x"), -1);
	error_hint(&err, "try %d", 7);
	assert_int_equal(error_wrap(&err, "the record of '%s'", "a"), -1);
	assert_string_equal(err.message, "the record of 'a': 'x' cannot be opened: No such file or directory");
	assert_string_equal(err.hint, "try 7");
	assert_int_equal(err.kind, ERROR_BUSY);
	error_set(&err, ERROR_USAGE, "new");
	assert_string_equal(err.hint, "");
}

/* What the text becomes. */
static void hides(const char *text, const char *shown)
{
	struct error err = { 0 };

	error_set(&err, ERROR_USAGE, "%s", text);
	assert_string_equal(err.message, shown);
}

static void passwords_are_not_repeated_in_an_error(void **state)
{
	(void)state;
	hides("'password=geheim' is not a command", "'password=***' is not a command");
	hides("x password = geheim host=h", "x password = *** host=h");
	hides("password='ge h\\'eim' host=h", "password='***' host=h");
	hides("password='ge heim", "password='***");
	hides("sslpassword=geheim, password=a", "sslpassword=***, password=*");
	hides("'postgresql://u:geheim@h/d' is not there", "'postgresql://u:***@h/d' is not there");
	hides("postgres://u:ge@he:im@h x@y", "postgres://u:***@h x@y");
	hides("postgresql://h/d?user=u&password=geheim", "postgresql://h/d?user=u&password=***");
	hides("password= ", "password= ");
	hides("no password is there", "no password is there");
	hides("unix:///run/x.sock http://h:80/a user@host", "unix:///run/x.sock http://h:80/a user@host");
}

static void foreign_words_in_an_error_are_cleaned_and_cut(void **state)
{
	struct error err = { 0 };
	char huge[5000];

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	error_set(&err, ERROR_FAILED, "'%s'", "a\033[2J\nb");
	assert_string_equal(err.message, "'a?[2J?b'");
	error_set(&err, ERROR_FAILED, "%s", huge);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	error_wrap(&err, "%s", huge);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

static void a_character_that_is_cut_in_half_is_no_utf8_and_is_replaced(void **state)
{
	struct error err = { 0 };
	char long_text[sizeof(err.message) + 8];

	(void)state;
	for (size_t shift = 0; shift < 2; shift++) {
		memset(long_text, 'x', sizeof(long_text));
		for (size_t i = shift; i + 2 < sizeof(long_text); i += 2)
			memcpy(long_text + i, "\u00e9", 2);
		long_text[sizeof(long_text) - 1] = '\0';
		error_set(&err, ERROR_FAILED, "%s", long_text);
		assert_true(text_is_utf8(err.message, strlen(err.message)));
		error_wrap(&err, "y");
		assert_true(text_is_utf8(err.message, strlen(err.message)));
	}
}

static void every_kind_has_its_code(void **state)
{
	static const char *const codes[] = {
		"none",       "failed", "usage", "not_found", "busy", "containerd_unavailable", "database_unavailable",
		"incomplete", "refused"
	};

	(void)state;
	for (int kind = 0; kind <= ERROR_REFUSED; kind++)
		assert_string_equal(error_code((enum error_kind)kind), codes[kind]);
}

static void labels_keep_order_and_replace(void **state)
{
	cleanup_labels struct labels labels = { 0 }, copy = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(labels_set(&labels, "b", "1", &err), 0);
	assert_int_equal(labels_set(&labels, "a", "2", &err), 0);
	assert_int_equal(labels_set(&labels, "b", "", &err), 0);
	assert_int_equal(labels.count, 2);
	assert_string_equal(labels.items[0].key, "b");
	assert_string_equal(labels_get(&labels, "b"), "");
	assert_null(labels_get(&labels, "c"));
	assert_int_equal(labels_set(&copy, "a", "old", &err), 0);
	assert_int_equal(labels_copy(&copy, &labels, &err), 0);
	assert_string_equal(labels_get(&copy, "a"), "2");
	assert_int_equal(copy.count, 2);
}

static void ids_are_uuids(void **state)
{
	char id[ID_SIZE], other[ID_SIZE];

	(void)state;
	id_random(id);
	id_random(other);
	assert_string_not_equal(id, other);
	assert_int_equal(id[14], '4');
	id_of_name("default/box", id);
	/* RFC 9562, 5.5, of 6d1b1e0a-53f1-4c1d-9a35-0d3c8f3a7b52: it must never change. */
	assert_string_equal(id, "cbfbcc76-d162-5841-9be4-bf6afb2b6775");
	assert_true(id_parse("ABCDEF01-2345-6789-ABCD-EF0123456789", other));
	assert_string_equal(other, "abcdef01-2345-6789-abcd-ef0123456789");
	assert_false(id_parse("", other));
	assert_false(id_parse("abcdef0123456789abcdef0123456789abcd", other));
	assert_false(id_parse("abcdef01-2345-6789-abcd-ef012345678", other));
	assert_false(id_parse("abcdef01-2345-6789-abcd-ef01234567890", other));
	assert_false(id_parse("gbcdef01-2345-6789-abcd-ef0123456789", other));
}

static cJSON *parse(const char *bytes, struct error *err)
{
	return json_parse(bytes, strlen(bytes), "the document", err);
}

static void exactly_one_document_is_parsed(void **state)
{
	static const char *const bad[] = { "", " ", "{", "{\"a\":}", "nope", "{} {}", "{}x", "[1,2", "\"abc" };
	struct error err = { 0 };
	cleanup_json cJSON *good = parse(" {\"a\": 1}\n\t ", &err);

	(void)state;
	assert_non_null(good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_json cJSON *json = parse(bad[i], &err);

		if (json)
			fail_msg("'%s' is taken for JSON", bad[i]);
		assert_true(text_starts_with(err.message, "the document "));
	}
}

static void members_are_not_trusted(void **state)
{
	struct error err = { 0 };
	cleanup_json cJSON *json =
		parse("{\"t\":\"x\",\"n\":7,\"f\":1.5,\"big\":1e300,\"yes\":true,\"o\":{},\"T\":\"no\"}", &err);

	(void)state;
	assert_string_equal(json_text(json, "t"), "x");
	assert_null(json_text(json, "n"));
	assert_null(json_text(json, "none"));
	assert_null(json_text(NULL, "t"));
	assert_int_equal(json_integer(json, "n", -1), 7);
	assert_int_equal(json_integer(json, "f", -1), -1);
	assert_int_equal(json_integer(json, "big", -1), -1);
	assert_int_equal(json_integer(json, "t", -1), -1);
	assert_true(json_true(json, "yes"));
	assert_false(json_true(json, "n"));
	assert_false(json_true(json, "o"));
}

static void text_becomes_json(void **state)
{
	struct error err = { 0 };
	cleanup_json cJSON *json = cJSON_CreateObject();
	cleanup_free char *line = NULL;

	(void)state;
	assert_int_equal(json_add_text(json, "null", NULL, &err), 0);
	assert_int_equal(json_add_text(json, "bad", "a\xff", &err), 0);
	assert_int_equal(json_add_text(json, "good", "\u00e9\"", &err), 0);
	line = json_print(json, &err);
	assert_string_equal(line, "{\"null\":null,\"bad\":\"a?\",\"good\":\"\u00e9\\\"\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_wrapped_outside_in),
		cmocka_unit_test(passwords_are_not_repeated_in_an_error),
		cmocka_unit_test(foreign_words_in_an_error_are_cleaned_and_cut),
		cmocka_unit_test(a_character_that_is_cut_in_half_is_no_utf8_and_is_replaced),
		cmocka_unit_test(every_kind_has_its_code),
		cmocka_unit_test(labels_keep_order_and_replace),
		cmocka_unit_test(ids_are_uuids),
		cmocka_unit_test(exactly_one_document_is_parsed),
		cmocka_unit_test(members_are_not_trusted),
		cmocka_unit_test(text_becomes_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
