#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/error.h"

static void only_the_kind_that_was_asked_for_is_forgiven(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, ERROR_BUSY, "'one' is busy");
	assert_false(error_forgive(&err, ERROR_NOT_FOUND));
	assert_int_equal(err.kind, ERROR_BUSY);
	assert_string_equal(err.message, "'one' is busy");
	assert_true(error_forgive(&err, ERROR_BUSY));
	assert_int_equal(err.kind, ERROR_NONE);
	assert_string_equal(err.message, "");
}

static void the_first_failure_comes_back_with_their_number(void **state)
{
	struct failures failures = { 0 };
	struct error none = { 0 }, failure = { 0 }, err = { 0 };

	(void)state;
	assert_int_equal(failures_first(&failures, &err), 0);
	assert_false(failures_note(&failures, &none));
	assert_int_equal(failures.count, 0);
	error_set(&failure, ERROR_BUSY, "'one' is busy");
	assert_true(failures_note(&failures, &failure));
	error_set(&failure, ERROR_REFUSED, "'two' is refused");
	assert_false(failures_note(&failures, &failure));
	assert_int_equal(failures.count, 2);
	assert_int_equal(failures_first(&failures, &err), -1);
	assert_int_equal(err.kind, ERROR_BUSY);
	assert_string_equal(err.message, "'one' is busy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_kind_that_was_asked_for_is_forgiven),
		cmocka_unit_test(the_first_failure_comes_back_with_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
