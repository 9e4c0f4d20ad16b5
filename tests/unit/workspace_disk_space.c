/* Room on a filesystem, before something is written there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "support/filesystems.h"
#include "support/scratch.h"
#include "workspace/disk_space.h"

static void test_room(void **state)
{
	struct filesystem filesystem;
	struct error err = { 0 };

	(void)state;
	if (!filesystems_available())
		skip();
	filesystem_mount(&filesystem, scratch, "ext4", 64);
	assert_int_equal(disk_space_check(filesystem.root, &err), 0);
	assert_int_equal(disk_space_check_for(filesystem.root, 20 << 20, 100, "merging layers", &err), 0);
	assert_int_equal(disk_space_check_for(filesystem.root, 60 << 20, 100, "merging layers", &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_non_null(strstr(err.message, "has no room for merging layers: "));
	assert_non_null(strstr(err.message, "76 MiB and 164 are needed"));
	assert_non_null(strstr(err.hint, "'wsnap prune'"));
	assert_int_equal(disk_space_check_for(filesystem.root, 0, 1 << 20, "merging layers", &err), -1);
	filesystem_unmount(&filesystem);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_room) };

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
