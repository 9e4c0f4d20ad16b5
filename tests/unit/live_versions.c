/*
 * Live versions of a workspace whose processes never stop changing it: each new layer is compared, in the freeze, with
 * what the workspace shows, byte by byte.
 *
 *     live_versions [SEED VERSIONS [FOLDER]]
 *
 * VERSIONS on each of ext4, xfs and btrfs, in image files below FOLDER.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "support/filesystems.h"
#include "support/live_stand.h"
#include "support/tree_random.h"

static uint64_t first_seed = 1;
static unsigned version_count = 12;
static char folder[PATH_MAX];
static bool mounts_work;

static unsigned *map_file(void)
{
	int file = open("/mapped", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	unsigned *mapped;

	if (file < 0 || ftruncate(file, 1 << 16) < 0)
		_exit(1);
	mapped = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	return mapped;
}

/* Stores once, and holds the mapping. */
static void be_quiet(struct stand *stand)
{
	stand_enter(stand);
	map_file()[7] = 7;
	for (;;)
		pause();
}

/* Changes of all kinds, and stores through a shared mapping. */
static void be_busy(struct stand *stand)
{
	uint64_t state = stand->state;
	unsigned *mapped;

	stand_enter(stand);
	mapped = map_file();
	for (unsigned round = 0;; round++) {
		mapped[round * 1024 % (1 << 14)] = round;
		tree_change("/", 1, &state);
	}
}

/* A folder becomes a link out of the layer and a folder again, files are replaced by links, fifos and devices, one
 * grows as long as there is room. */
static void be_hostile(struct stand *stand)
{
	static char much[1 << 16];
	int grows;

	stand_enter(stand);
	grows = open("/grows", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	mkdir("/swapped", 0755);
	mkdir("/swapped/sub", 0755);
	close(open("/swapped/sub/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	mkfifo("/fifo", 0644);
	for (unsigned round = 0;; round++) {
		rename("/swapped", "/aside");
		(void)!symlink("/etc", "/swapped");
		if (round < 400)
			(void)!write(grows, much, sizeof(much));
		close(open("/kind", O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0644));
		unlink("/kind");
		mkfifo("/kind", 0644);
		unlink("/kind");
		(void)!symlink("/etc/passwd", "/kind");
		unlink("/kind");
		mknod("/kind", S_IFCHR | 0600, makedev(1, 5));
		unlink("/kind");
		unlink("/swapped");
		rename("/aside", "/swapped");
	}
}

static void take_versions(const char *type, unsigned megabytes, life live, unsigned changes)
{
	struct filesystem filesystem;
	struct stand stand;
	char *tip = NULL;

	if (!mounts_work)
		skip();
	filesystem_mount(&filesystem, folder, type, megabytes);
	stand_make(&stand, filesystem.root, first_seed, NULL, live);
	for (unsigned i = 0; i < version_count; i++) {
		char *name = text_format("v%u", i);

		stand_take(&stand, tip, name, i > 0, false);
		tree_change(stand.merged, changes, &stand.state);
		tip = name;
	}
	assert_int_equal(stand.compared, version_count);
	stand_merge(&stand);
	stand_take(&stand, tip, "on-merged", true, false);
	stand_end(&stand);
	filesystem_unmount(&filesystem);
}

static void test_quiet_ext4(void **state)
{
	(void)state;
	take_versions("ext4", 200, be_quiet, 25);
}

static void test_busy_ext4(void **state)
{
	(void)state;
	take_versions("ext4", 200, be_busy, 0);
}

static void test_busy_xfs(void **state)
{
	(void)state;
	take_versions("xfs", 400, be_busy, 0);
}

static void test_busy_btrfs(void **state)
{
	(void)state;
	take_versions("btrfs", 400, be_busy, 0);
}

static void test_hostile_ext4(void **state)
{
	(void)state;
	take_versions("ext4", 300, be_hostile, 0);
}

static void test_hostile_xfs(void **state)
{
	(void)state;
	take_versions("xfs", 400, be_hostile, 0);
}

/* A mapped file with a store in it is not copied again as long as nothing is stored. */
static void test_at_rest_nothing_is_copied(void **state)
{
	struct filesystem filesystem;
	struct live_result result;
	struct stand stand;

	(void)state;
	if (!mounts_work)
		skip();
	filesystem_mount(&filesystem, folder, "ext4", 200);
	stand_make(&stand, filesystem.root, first_seed, NULL, be_quiet);
	result = stand_take(&stand, NULL, "v0", false, false);
	assert_true(result.copied_bytes >= 1 << 12);
	for (unsigned i = 1; i < 4; i++) {
		char *tip = text_format("v%u", i - 1), *name = text_format("v%u", i);

		result = stand_take(&stand, tip, name, true, false);
		assert_int_equal(result.copied_bytes, 0);
		assert_false(result.walked_frozen);
		assert_int_equal(live_is_as_tip(stand.upper, LAYER_MARKS_TRUSTED, stand.index, name), 1);
		assert_int_equal(live_is_as_tip(stand.upper, LAYER_MARKS_TRUSTED, stand.index, tip), 0);
	}
	assert_int_equal(chmod(stand.merged, 0700), 0);
	assert_int_equal(live_is_as_tip(stand.upper, LAYER_MARKS_TRUSTED, stand.index, "v3"), 0);
	stand_end(&stand);
	filesystem_unmount(&filesystem);
}

static void damage(const char *path, off_t at)
{
	cleanup_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* Another tip's state, one that is damaged or cut off, and none at all: all of the layer is copied. */
static void test_without_a_state_all_is_copied(void **state)
{
	struct filesystem filesystem;
	struct stand stand;
	struct stat status;

	(void)state;
	if (!mounts_work)
		skip();
	filesystem_mount(&filesystem, folder, "ext4", 200);
	stand_make(&stand, filesystem.root, first_seed, NULL, be_quiet);
	stand_take(&stand, NULL, "v0", false, false);
	stand.layers[0] = stand.layers[--stand.count];
	stand_take(&stand, "another", "v1", false, false);
	for (unsigned i = 0; i < 30; i++) {
		char *tip = text_format("v%u", i + 1), *name = text_format("v%u", i + 2);

		assert_int_equal(stat(stand.index, &status), 0);
		if (i % 5 == 4)
			assert_int_equal(truncate(stand.index, status.st_size - 1 - i), 0);
		else
			damage(stand.index, status.st_size * i / 30);
		stand.layers[0] = stand.layers[--stand.count];
		stand_take(&stand, tip, name, false, false);
	}
	stand_end(&stand);
	filesystem_unmount(&filesystem);
}

static int make_folder(void **state)
{
	(void)state;
	mounts_work = filesystems_available();
	scratch_make(folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet_ext4),
		cmocka_unit_test(test_busy_ext4),
		cmocka_unit_test(test_busy_xfs),
		cmocka_unit_test(test_busy_btrfs),
		cmocka_unit_test(test_hostile_ext4),
		cmocka_unit_test(test_hostile_xfs),
		cmocka_unit_test(test_at_rest_nothing_is_copied),
		cmocka_unit_test(test_without_a_state_all_is_copied),
	};

	if (argc > 2) {
		first_seed = strtoull(argv[1], NULL, 10);
		version_count = (unsigned)atoi(argv[2]);
	}
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
