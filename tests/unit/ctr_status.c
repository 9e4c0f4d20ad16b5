/* grpc-status and grpc-message as a hostile server could write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctr/ctr.h"
#include "ctr/status.h"

static void expect_message(const char *value, const char *message)
{
	char decoded[STATUS_MESSAGE_SIZE];

	status_decode_message(value, strlen(value), decoded);
	assert_string_equal(decoded, message);
}

static void messages(void **state)
{
	(void)state;
	expect_message("snapshot a%20b: not found", "snapshot a b: not found");
	expect_message("100%25", "100%");
	expect_message("%", "%");
	expect_message("%4", "%4");
	expect_message("%zz", "%zz");
	expect_message("%e2%82%AC", "€");
	expect_message("%e2%82", "??");
	expect_message("a%00b%0Ac%1b[31m%7f%c2%9b", "a?b?c?[31m???");
	expect_message("", "");
}

static void long_message(void **state)
{
	char value[STATUS_MESSAGE_SIZE * 3], decoded[STATUS_MESSAGE_SIZE];

	(void)state;
	memset(value, 'x', sizeof(value));
	status_decode_message(value, sizeof(value), decoded);
	assert_int_equal(strlen(decoded), STATUS_MESSAGE_SIZE - 1);
}

static void codes(void **state)
{
	static const char *const none[] = { "", "-1", "+1", " 1", "1 ", "x", "0x1", "1000", "99999999999" };
	int code = -7;

	(void)state;
	assert_true(status_parse_code("0", 1, &code));
	assert_int_equal(code, 0);
	assert_true(status_parse_code("14", 2, &code));
	assert_int_equal(code, 14);
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_false(status_parse_code(none[i], strlen(none[i]), &code));
	assert_int_equal(code, 14);
}

static void expect_error(int code, const char *words, enum error_kind kind, const char *message)
{
	struct status status = { .code = code };
	struct error err = { 0 };

	strncpy(status.message, words, sizeof(status.message) - 1);
	assert_int_equal(status_error(&status, "Snapshots.Commit", &err), -1);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.message, message);
}

static void errors(void **state)
{
	(void)state;
	expect_error(CTR_NOT_FOUND, "no 'x'", ERROR_NOT_FOUND, "containerd refused Snapshots.Commit: no 'x'");
	expect_error(CTR_EXISTS, "", ERROR_FAILED, "containerd refused Snapshots.Commit: already exists");
	expect_error(CTR_UNAVAILABLE, "bye", ERROR_CONTAINERD, "containerd refused Snapshots.Commit: bye");
	expect_error(999, "", ERROR_FAILED, "containerd refused Snapshots.Commit: unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(long_message),
		cmocka_unit_test(codes),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
