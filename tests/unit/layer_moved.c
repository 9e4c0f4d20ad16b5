#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/moved.h"
#include "support/scratch.h"

static struct stat make_link(int dir)
{
	struct stat status;

	assert_int_equal(symlinkat("somewhere", dir, "link"), 0);
	assert_int_equal(fstatat(dir, "link", &status, AT_SYMLINK_NOFOLLOW), 0);
	return status;
}

static bool has_moved_after(int dir, const struct stat *was, int number)
{
	struct error failure = { 0 };

	error_errno(&failure, ERROR_FAILED, number, "cannot read the link");
	return entry_has_moved(dir, "link", was, &failure);
}

static void a_failure_is_believed_where_it_says_that_it_was_gone(void **state)
{
	cleanup_fd int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct stat was = make_link(dir);

	(void)state;
	assert_false(entry_has_moved(dir, "link", &was, NULL));
	assert_true(has_moved_after(dir, &was, ENOENT));
	assert_true(has_moved_after(dir, &was, ESTALE));
	assert_true(has_moved_after(dir, &was, EINVAL));
	assert_false(has_moved_after(dir, &was, EIO));
	assert_false(has_moved_after(dir, &was, ENOSPC));
	assert_int_equal(unlinkat(dir, "link", 0), 0);
	assert_true(entry_has_moved(dir, "link", &was, NULL));
}

static void another_of_the_same_name_has_moved(void **state)
{
	cleanup_fd int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct stat was = make_link(dir);
	struct stat longer = was;

	(void)state;
	longer.st_size++;
	assert_true(entry_has_moved(dir, "link", &longer, NULL));
	assert_int_equal(fchownat(dir, "link", 1, 1, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(has_moved_after(dir, &was, EIO));
	assert_int_equal(unlinkat(dir, "link", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_believed_where_it_says_that_it_was_gone),
		cmocka_unit_test(another_of_the_same_name_has_moved),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
