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
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "support/files.h"
#include "support/live_stand.h"
#include "support/scratch.h"
#include "support/tree_random.h"

static uint64_t first_seed = 1;
static unsigned version_count = 12;

/* Holds a file open past the page cache, into which writes might land at any time. */
static void be_direct(struct stand *stand)
{
	static char bytes[1 << 16] __attribute__((aligned(4096)));
	int file;

	stand_enter(stand);
	file = open("/direct", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
	if (file < 0 || write(file, bytes, sizeof(bytes)) != sizeof(bytes))
		_exit(1);
	for (;;)
		pause();
}

/* Changes of all kinds, and stores through a shared mapping. */
static void be_busy(struct stand *stand)
{
	uint64_t state = stand->state;
	unsigned *mapped;

	stand_enter(stand);
	mapped = stand_map_file();
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

static void write_number(const char *path, unsigned number)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (file >= 0) {
		(void)!write(file, &number, sizeof(number));
		close(file);
	}
}

/* What comes next has the inode number as well, but is of another kind, or has other content. */
static void be_changing_kind(struct stand *stand)
{
	char path[] = "/changes0", other[] = "/changes0.other", inside[] = "/changes0/inside";

	stand_enter(stand);
	for (unsigned round = 0;; round++) {
		path[8] = other[8] = inside[8] = (char)('0' + round / 64 % 8);
		write_number(path, round);
		if (round % 2 == 0)
			(void)!link(path, other);
		unlink(path);
		unlink(other);
		mkdir(path, 0755);
		write_number(inside, round);
		unlink(inside);
		rmdir(path);
		if (round % 64 == 63)
			write_number(path, round);
		else if (round % 64 == 0)
			unlink(path);
	}
}

static void take_versions_of(const char *type, life live, unsigned changes, unsigned count)
{
	struct stand stand;

	stand_make(&stand, type, first_seed, NULL, live);
	for (unsigned i = 0; i < count; i++) {
		stand_take(&stand);
		tree_change(stand.merged, changes, &stand.state);
	}
	assert_int_equal(stand.compared, count);
	stand_merge(&stand);
	stand_take(&stand);
	stand_end(&stand);
}

static void take_versions(const char *type, life live, unsigned changes)
{
	take_versions_of(type, live, changes, version_count);
}

static void test_quiet_ext4(void **state)
{
	(void)state;
	take_versions("ext4", stand_be_quiet, 25);
}

static void test_busy_ext4(void **state)
{
	(void)state;
	take_versions("ext4", be_busy, 0);
}

static void test_busy_xfs(void **state)
{
	(void)state;
	take_versions("xfs", be_busy, 0);
}

static void test_busy_btrfs(void **state)
{
	(void)state;
	take_versions("btrfs", be_busy, 0);
}

static void test_hostile_ext4(void **state)
{
	(void)state;
	take_versions("ext4", be_hostile, 0);
}

static void test_hostile_xfs(void **state)
{
	(void)state;
	take_versions("xfs", be_hostile, 0);
}

static void test_flickering_ext4(void **state)
{
	(void)state;
	take_versions_of("ext4", stand_be_flickering, 0, 4 * version_count);
}

static void test_changing_kind_ext4(void **state)
{
	(void)state;
	take_versions("ext4", be_changing_kind, 0);
}

/* The image lies on another filesystem than the writable layer. */
static void put_elsewhere(const char *image)
{
	assert_int_equal(mount("image", image, "tmpfs", 0, NULL), 0);
}

/* Stores through shared mappings, which nobody tells of. */
static void be_storing(struct stand *stand)
{
	unsigned *mapped;

	stand_enter(stand);
	mapped = stand_map_file();
	for (unsigned round = 0;; round++) {
		mapped[round * 1024 % (1 << 14)] = round;
		clock_sleep_ms(1);
	}
}

static void test_layers_on_two_filesystems(void **state)
{
	cleanup_free char *image = NULL;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", first_seed, put_elsewhere, be_storing);
	for (unsigned i = 0; i < version_count; i++)
		stand_take(&stand);
	assert_int_equal(stand.walked, 0);
	image = text_format("%s/image", stand.filesystem.root);
	assert_int_equal(umount(image), 0);
	stand_end(&stand);
}

/* A mapped file with a store in it is not copied again as long as nothing is stored. */
static void test_at_rest_nothing_is_copied(void **state)
{
	struct live_result result;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, stand_be_quiet);
	result = stand_take(&stand);
	assert_true(result.copied_bytes >= 1 << 12);
	for (unsigned i = 1; i < 4; i++) {
		cleanup_free char *before = strdup(stand.tip);

		result = stand_take(&stand);
		assert_int_equal(result.copied_bytes, 0);
		assert_false(result.walked_frozen);
		assert_int_equal(live_is_as_tip(stand.upper, LAYER_MARKS_TRUSTED, stand.index, stand.tip), 1);
		assert_int_equal(live_is_as_tip(stand.upper, LAYER_MARKS_TRUSTED, stand.index, before), 0);
	}
	assert_int_equal(chmod(stand.merged, 0700), 0);
	assert_int_equal(live_is_as_tip(stand.upper, LAYER_MARKS_TRUSTED, stand.index, stand.tip), 0);
	stand_end(&stand);
}

/* Nor is one that is open past the page cache: it is compared. */
static void test_open_past_the_cache_it_is_compared(void **state)
{
	struct live_result result;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, be_direct);
	result = stand_take(&stand);
	assert_true(result.copied_bytes >= 1 << 16);
	for (unsigned i = 1; i < 4; i++) {
		result = stand_take(&stand);
		assert_int_equal(result.copied_bytes, 0);
	}
	stand_end(&stand);
}

#define FOLDERS 12
#define FILES 1500

/* In each folder something comes and goes once, so many milliseconds after it is asked for. */
static _Atomic int *asked;

static void be_brief(struct stand *stand)
{
	char path[64];

	stand_enter(stand);
	for (;;) {
		int wait = atomic_load(asked);

		clock_sleep_ms(wait ? (unsigned)wait : 1);
		for (unsigned i = 0; wait && i < FOLDERS; i++) {
			snprintf(path, sizeof(path), "/brief-%u/lock", i);
			if (mkdir(path, 0700) < 0 || rmdir(path) < 0)
				_exit(1);
		}
		if (wait)
			atomic_store(asked, 0);
	}
}

static void fill_folders(const struct stand *stand)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s/brief-%u", stand->merged, i);
		assert_int_equal(mkdir(path, 0755), 0);
		for (unsigned file = 0; file < FILES; file++) {
			snprintf(path, sizeof(path), "%s/brief-%u/%u", stand->merged, i, file);
			assert_int_equal(mknod(path, S_IFREG | 0644, 0), 0);
		}
	}
}

/* The folders that the walk has not reached yet are not watched: their times alone tell. */
static void test_what_comes_and_goes_before_a_folder_is_watched(void **state)
{
	struct stand stand;

	(void)state;
	asked = mmap(NULL, sizeof(*asked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(asked, MAP_FAILED);
	stand_make(&stand, "ext4", first_seed, NULL, be_brief);
	fill_folders(&stand);
	stand_take(&stand);
	for (int i = 1; i < 8; i++) {
		atomic_store(asked, 8 * i);
		stand_take(&stand);
		while (atomic_load(asked))
			clock_sleep_ms(1);
	}
	stand_end(&stand);
	munmap(asked, sizeof(*asked));
}

#define MAPPED 16

/* Stores through a mapping of a file that is not open any more, and gives it up. */
static void store_briefly(unsigned number, unsigned round)
{
	char path[64];
	unsigned *mapped;
	int file;

	snprintf(path, sizeof(path), "/mapped-%u", number);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0 || ftruncate(file, 1 << 12) < 0)
		_exit(1);
	mapped = mmap(NULL, 1 << 12, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	clock_sleep_ms(20);
	*mapped = round;
	munmap(mapped, 1 << 12);
}

static void be_mapping(struct stand *stand)
{
	stand_enter(stand);
	for (unsigned round = 0;; round++)
		store_briefly(round % MAPPED, round);
}

/* On older kernels nothing tells of the store, nor of the end of the mapping. */
static void test_stores_that_nobody_tells_of(void **state)
{
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, be_mapping);
	stand.maps_unheard = true;
	fill_folders(&stand);
	for (unsigned i = 0; i < version_count; i++)
		stand_take(&stand);
	assert_int_equal(stand.walked, 0);
	stand_end(&stand);
}

/* A file as the writable layer holds it and the tip shows it, made different in the tip alone. */
static void change_tip(const struct stand *stand, const char *name)
{
	cleanup_free char *path = text_format("%s/%s", stand->layers[0], name);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	files_damage(path, 0);
	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){ status.st_atim, status.st_mtim }, 0), 0);
}

static void put_file(const struct stand *stand, const char *name, unsigned kib)
{
	cleanup_free char *path = text_format("%s/%s", stand->merged, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	char bytes[1024];

	memset(bytes, 'x', sizeof(bytes));
	for (unsigned i = 0; i < kib; i++)
		assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
}

/* The host has been started anew: times do not tell any more, so all is compared, and only what differs is copied. */
static void test_after_a_reboot_all_is_compared(void **state)
{
	static const char boot[] = "/proc/sys/kernel/random/boot_id";
	struct live_result result;
	cleanup_free char *other = NULL;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", first_seed, NULL, stand_be_quiet);
	put_file(&stand, "kept", 100);
	put_file(&stand, "torn", 50);
	clock_sleep_ms(50);
	stand_take(&stand);
	other = text_format("%s/boot", stand.filesystem.root);
	files_write(other, "01234567-89ab-cdef-0123-456789abcdef\n");
	assert_int_equal(mount(other, boot, NULL, MS_BIND, NULL), 0);
	change_tip(&stand, "torn");
	result = stand_take(&stand);
	assert_int_equal(result.copied_bytes, 50 * 1024);
	result = stand_take(&stand);
	assert_int_equal(result.copied_bytes, 0);
	assert_int_equal(umount(boot), 0);
	stand_end(&stand);
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
		cmocka_unit_test(test_flickering_ext4),
		cmocka_unit_test(test_changing_kind_ext4),
		cmocka_unit_test(test_layers_on_two_filesystems),
		cmocka_unit_test(test_at_rest_nothing_is_copied),
		cmocka_unit_test(test_open_past_the_cache_it_is_compared),
		cmocka_unit_test(test_after_a_reboot_all_is_compared),
		cmocka_unit_test(test_what_comes_and_goes_before_a_folder_is_watched),
		cmocka_unit_test(test_stores_that_nobody_tells_of),
	};

	random_arguments(argc, argv, &first_seed, &version_count);
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
