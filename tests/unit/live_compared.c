/*
 * Live versions where our file does not say what the tip was taken of: then all is compared with what the tip shows, and
 * only what differs is copied. Each new layer is compared, in the freeze, with what the workspace shows, byte by byte.
 *
 *     live_compared [SEED ROUNDS]
 *
 * ROUNDS of random changes on each of ext4, xfs and btrfs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "support/files.h"
#include "support/filesystems.h"
#include "support/live_stand.h"
#include "support/scratch.h"
#include "support/tree_random.h"

static uint64_t first_seed = 1;
static unsigned round_count = 12;

static void be_busy(struct stand *stand)
{
	uint64_t state = stand->state;

	stand_enter(stand);
	for (;;)
		tree_change("/", 1, &state);
}

static void forget(const struct stand *stand)
{
	assert_int_equal(unlink(stand->index), 0);
}

/* --- at random ---------------------------------------------------------------------------------------------- */

/* Each change is found by comparing, and what has not changed is not copied. */
static void compare_on(const char *type)
{
	struct stand stand;

	stand_make(&stand, type, first_seed, NULL, stand_be_quiet);
	stand_take(&stand);
	for (unsigned i = 0; i < round_count; i++) {
		struct live_result result;

		tree_change(stand.merged, 1 + i * 7 % 40, &stand.state);
		/* Some changes are known of, others have to be found. */
		if (i % 3 != 0)
			forget(&stand);
		stand_take(&stand);
		forget(&stand);
		result = stand_take(&stand);
		assert_int_equal(result.copied_bytes, 0);
		assert_int_equal(result.copied_entries, 0);
		assert_false(result.walked_frozen);
	}
	stand_end(&stand);
}

static void test_random_ext4(void **state)
{
	(void)state;
	compare_on("ext4");
}

static void test_random_xfs(void **state)
{
	(void)state;
	compare_on("xfs");
}

static void test_random_btrfs(void **state)
{
	(void)state;
	compare_on("btrfs");
}

/* Overlays that are mounted without root have other marks. */
static void test_random_userxattr(void **state)
{
	(void)state;
	overlay_use_userxattr(true);
	compare_on("ext4");
	overlay_use_userxattr(false);
}

/* Beside processes that never stop changing it. */
static void compare_busy_on(const char *type)
{
	struct stand stand;

	stand_make(&stand, type, first_seed, NULL, be_busy);
	stand_take(&stand);
	for (unsigned i = 1; i <= round_count; i++) {
		forget(&stand);
		stand_take(&stand);
	}
	stand_end(&stand);
}

static void test_busy_ext4(void **state)
{
	(void)state;
	compare_busy_on("ext4");
}

static void test_busy_xfs(void **state)
{
	(void)state;
	compare_busy_on("xfs");
}

/* --- which state is believed ---------------------------------------------------------------------------------- */

/* Names that random changes do not use. */
static char *in(const struct stand *stand, const char *name)
{
	char *path = text_format("%s/own-%s", stand->merged, name);

	assert_non_null(path);
	return path;
}

static void put(const struct stand *stand, const char *name, char byte, size_t size)
{
	cleanup_free char *path = in(stand, name);
	cleanup_free char *bytes = malloc(size + 1);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	memset(bytes, byte, size);
	assert_int_equal(write(fd, bytes, size), size);
}

/* It is damaged, cut off or empty: what has changed is found all the same. */
static void test_a_state_that_cannot_be_believed(void **state)
{
	struct stand stand;
	struct stat status;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, stand_be_quiet);
	stand_take(&stand);
	for (unsigned i = 1; i < 30; i++) {
		struct live_result result;

		assert_int_equal(stat(stand.index, &status), 0);
		if (i % 5 == 4)
			assert_int_equal(truncate(stand.index, status.st_size - 1 - i), 0);
		else if (i % 5 == 3)
			assert_int_equal(truncate(stand.index, 0), 0);
		else
			files_damage(stand.index, status.st_size * i / 30);
		put(&stand, "changed", (char)i, 1000 + i);
		result = stand_take(&stand);
		assert_int_equal(result.copied_bytes, 1000 + i);
	}
	stand_end(&stand);
}

/* Two state directories: each has the state of the version that it took itself, and the tip may be the other's. */
static void test_the_state_of_another_directory(void **state)
{
	struct stand stand;
	char *indexes[2];

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, stand_be_quiet);
	indexes[0] = stand.index;
	indexes[1] = text_format("%s/other", stand.filesystem.root);
	stand_take(&stand);
	for (unsigned i = 1; i < 12; i++) {
		struct live_result result;

		stand.index = indexes[i % 3 == 0];
		put(&stand, "changed", (char)i, 1000 + i);
		result = stand_take(&stand);
		assert_int_equal(result.copied_bytes, 1000 + i);
	}
	stand_end(&stand);
}

/* The tip's layers are not there any more, or stand on something else: all is copied on what lies below. */
static void test_without_the_tip_all_is_copied(void **state)
{
	struct live_result first, again;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, stand_be_quiet);
	put(&stand, "much", 'x', 100000);
	first = stand_take(&stand);
	forget(&stand);
	stand.lost = true;
	stand.layers[0] = stand.layers[--stand.count];
	again = stand_take(&stand);
	assert_int_equal(again.copied_bytes, first.copied_bytes);
	assert_int_equal(again.copied_entries, first.copied_entries);
	stand_end(&stand);
}

/* --- what looks the same and is not ----------------------------------------------------------------------------- */

static void link_names(const struct stand *stand, const char *name, const char *other)
{
	cleanup_free char *from = in(stand, name);
	cleanup_free char *to = in(stand, other);

	unlink(to);
	assert_int_equal(link(from, to), 0);
}

/* Of one content and one time. */
static void put_twin(const struct stand *stand, const char *name)
{
	const struct timespec times[2] = { { 1000000000, 7 }, { 1000000000, 7 } };
	cleanup_free char *path = in(stand, name);

	unlink(path);
	put(stand, name, 't', 3000);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void move(const struct stand *stand, const char *name, const char *other)
{
	cleanup_free char *from = in(stand, name);
	cleanup_free char *to = in(stand, other);

	assert_int_equal(rename(from, to), 0);
}

static void set_times(const char *path)
{
	const struct timespec times[2] = { { 1000000000, 7 }, { 1000000000, 7 } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* Names change hands between files of the same content and times: a b | c d becomes a c | b d, then all are one, then none. */
static void change_groups(struct stand *stand, unsigned round)
{
	switch (round) {
	case 0:
		link_names(stand, "a", "x");
		link_names(stand, "d", "y");
		move(stand, "c", "aside");
		link_names(stand, "x", "c");
		link_names(stand, "y", "b");
		for (const char *const *name = (const char *const[]){ "x", "y", "aside", NULL }; *name; name++) {
			cleanup_free char *path = in(stand, *name);

			unlink(path);
		}
		break;
	case 1:
		link_names(stand, "a", "b");
		link_names(stand, "a", "d");
		break;
	case 2:
		put_twin(stand, "a");
		put_twin(stand, "b");
		break;
	default:
		link_names(stand, "c", "e");
		put_twin(stand, "d");
	}
}

static void test_names_that_change_hands(void **state)
{
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, stand_be_quiet);
	put_twin(&stand, "a");
	link_names(&stand, "a", "b");
	put_twin(&stand, "c");
	link_names(&stand, "c", "d");
	stand_take(&stand);
	for (unsigned round = 0; round < 4; round++) {
		change_groups(&stand, round);
		forget(&stand);
		stand_take(&stand);
	}
	stand_end(&stand);
}

/* Each changes one thing of one of them, and leaves size and times as they were. */
static void change_unseen(struct stand *stand, unsigned round)
{
	cleanup_free char *file = in(stand, "file");
	cleanup_free char *sub = in(stand, "sub");
	cleanup_free char *link = in(stand, "link");

	switch (round) {
	case 0:
		put(stand, "file", 'u', 3000);
		break;
	case 1:
		assert_int_equal(chmod(file, 0600), 0);
		break;
	case 2:
		assert_int_equal(lchown(link, 7, 8), 0);
		break;
	case 3:
		assert_int_equal(lsetxattr(file, "user.one", "x", 1, 0), 0);
		break;
	case 4:
		assert_int_equal(lsetxattr(sub, "user.one", "x", 1, 0), 0);
		break;
	case 5:
		assert_int_equal(chmod(sub, 0711), 0);
		break;
	case 6:
		assert_int_equal(unlink(link), 0);
		assert_int_equal(symlink("elsewhere", link), 0);
		break;
	case 7:
		assert_int_equal(lremovexattr(file, "user.one"), 0);
		break;
	default:
		assert_int_equal(truncate(file, 2999), 0);
		assert_int_equal(truncate(file, 3000), 0);
	}
	set_times(file);
	set_times(sub);
	set_times(link);
}

static void test_what_size_and_times_do_not_tell(void **state)
{
	struct stand stand;
	cleanup_free char *sub = NULL;
	cleanup_free char *link = NULL;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, stand_be_quiet);
	sub = in(&stand, "sub");
	link = in(&stand, "link");
	assert_int_equal(mkdir(sub, 0755), 0);
	assert_int_equal(symlink("somewhere", link), 0);
	put(&stand, "file", 't', 3000);
	put(&stand, "large", 't', 1 << 20);
	change_unseen(&stand, 8);
	stand_take(&stand);
	for (unsigned round = 0; round < 9; round++) {
		struct live_result result;

		change_unseen(&stand, round);
		forget(&stand);
		result = stand_take(&stand);
		assert_in_range(result.copied_bytes, 0, 3000);
		assert_in_range(result.copied_entries, 1, 1);
	}
	stand_end(&stand);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_ext4),
		cmocka_unit_test(test_random_xfs),
		cmocka_unit_test(test_random_btrfs),
		cmocka_unit_test(test_random_userxattr),
		cmocka_unit_test(test_busy_ext4),
		cmocka_unit_test(test_busy_xfs),
		cmocka_unit_test(test_a_state_that_cannot_be_believed),
		cmocka_unit_test(test_the_state_of_another_directory),
		cmocka_unit_test(test_without_the_tip_all_is_copied),
		cmocka_unit_test(test_names_that_change_hands),
		cmocka_unit_test(test_what_size_and_times_do_not_tell),
	};

	random_arguments(argc, argv, &first_seed, &round_count);
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
