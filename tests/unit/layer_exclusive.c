/* What layers hold that nothing else shares, where merges share by hard link and where by reference. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer/layer.h"
#include "support/filesystems.h"
#include "support/scratch.h"

#define FILE_BYTES (4 << 20)
#define SLACK (1 << 20) /* for folders and what the filesystem keeps beside the data */

static void write_file(const char *folder, const char *name, char byte)
{
	static char block[65536];
	char path[PATH_MAX];
	int fd;

	assert_in_range(snprintf(path, sizeof(path), "%s/%s", folder, name), 1, sizeof(path) - 1);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	memset(block, byte, sizeof(block));
	for (int i = 0; i < FILE_BYTES / (int)sizeof(block); i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void expect_about(int64_t found, int64_t wanted)
{
	if (found < wanted - SLACK || found > wanted + SLACK)
		fail_msg("wanted about %lld bytes, found %lld", (long long)wanted, (long long)found);
}

/* `own`: what each of the layers and their merge hold for themselves alone, of each file. */
static void check(const char *type, int64_t own)
{
	struct filesystem filesystem;
	struct layer_merge_result merged;
	char newer[PATH_MAX + 8], older[PATH_MAX + 8], target[PATH_MAX + 8];
	struct error err = { 0 };
	int64_t bytes[3] = { 0 };

	filesystem_mount(&filesystem, scratch, type, 400);
	snprintf(newer, sizeof(newer), "%s/newer", filesystem.root);
	snprintf(older, sizeof(older), "%s/older", filesystem.root);
	snprintf(target, sizeof(target), "%s/target", filesystem.root);
	assert_int_equal(mkdir(newer, 0700) | mkdir(older, 0700) | mkdir(target, 0700), 0);
	write_file(newer, "n", 'n');
	write_file(older, "o", 'o');

	const char *const layers[] = { newer, older, target }, *const two[] = { newer, older };

	assert_int_equal(layer_exclusive(layers, 2, bytes, &err), 0);
	expect_about(bytes[0], FILE_BYTES);
	expect_about(bytes[1], FILE_BYTES);
	assert_int_equal(layer_merge(LAYER_MARKS_TRUSTED, two, 2, target, &merged, &err), 0);
	assert_int_equal(layer_sync(target, &err), 0);
	assert_int_equal(layer_exclusive(layers, 2, bytes, &err), 0);
	expect_about(bytes[0] + bytes[1], 2 * own);
	/* What the newer layer alone overwrites again is the older one's and the merged one's. */
	assert_int_equal(layer_exclusive(&layers[2], 1, bytes, &err), 0);
	expect_about(bytes[0], 2 * own);
	filesystem_unmount(&filesystem);
}

static void copied_on_ext4(void **state)
{
	(void)state;
	check("ext4", FILE_BYTES);
}

static void by_reference_on_xfs(void **state)
{
	(void)state;
	check("xfs", 0);
}

static void by_reference_on_btrfs(void **state)
{
	(void)state;
	check("btrfs", 0);
}

static void names_in_several_layers_count_once(void **state)
{
	char folder[2][PATH_MAX + 8], name[2][4 * PATH_MAX];
	struct error err = { 0 };
	int64_t bytes[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		snprintf(folder[i], sizeof(folder[i]), "%s/l%d", scratch, i);
		snprintf(name[i], sizeof(name[i]), "%s/f", folder[i]);
		assert_int_equal(mkdir(folder[i], 0700), 0);
	}
	write_file(folder[0], "f", 'f');
	assert_int_equal(link(name[0], name[1]), 0);

	const char *const layers[] = { folder[0], folder[1] };

	assert_int_equal(layer_exclusive(layers, 1, bytes, &err), 0);
	expect_about(bytes[0], 0);
	assert_int_equal(layer_exclusive(layers, 2, bytes, &err), 0);
	expect_about(bytes[0] + bytes[1], FILE_BYTES);
}

static void what_is_not_there_holds_nothing(void **state)
{
	const char *const layers[] = { NULL, "/nonexistent/layer" };
	struct error err = { 0 };
	int64_t bytes[2] = { 7, 7 };

	(void)state;
	assert_int_equal(layer_exclusive(layers, 2, bytes, &err), 0);
	assert_int_equal(bytes[0] | bytes[1], 0);
}

static int set_up(void **state)
{
	return scratch_set_up(state) == 0 && filesystems_available() ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copied_on_ext4),
		cmocka_unit_test(by_reference_on_xfs),
		cmocka_unit_test(by_reference_on_btrfs),
		cmocka_unit_test(names_in_several_layers_count_once),
		cmocka_unit_test(what_is_not_there_holds_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, scratch_tear_down);
}
