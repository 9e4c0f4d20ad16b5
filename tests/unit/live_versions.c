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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "layer/layer.h"
#include "live/live.h"
#include "support/filesystems.h"
#include "support/tree_compare.h"
#include "support/tree_random.h"

#define LAYERS_MAX 60

static uint64_t first_seed = 1;
static unsigned version_count = 12;
static char folder[PATH_MAX];
static bool mounts_work;

/* A workspace: an overlay, a control group, a process in it. */
struct stand {
	char *root, *upper, *work, *merged, *shown, *index, *group;
	const char *layers[LAYERS_MAX]; /* newest first; the last one is the image's */
	size_t count;
	const char *next; /* the layer that is being filled */
	pid_t pid;
	uint64_t state;
	unsigned walked, compared;
};

static char *below(struct stand *stand, const char *name)
{
	char *path = text_format("%s/%s", stand->root, name);

	assert_non_null(path);
	return path;
}

static char *make_below(struct stand *stand, const char *name)
{
	char *path = below(stand, name);

	assert_int_equal(mkdir(path, 0755), 0);
	return path;
}

static void write_text(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* The control group of the test itself is no place to freeze: one below the root of the hierarchy is. */
static char *make_group(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/freezer" };
	static unsigned number;

	for (size_t i = 0; i < 3; i++) {
		char *path = text_format("%s/wsnap-unit-%d-%u", roots[i], getpid(), number);
		cleanup_free char *freeze = text_format("%s/cgroup.freeze", path);
		cleanup_free char *state = text_format("%s/freezer.state", path);

		if (mkdir(path, 0755) == 0 && (access(freeze, F_OK) == 0 || access(state, F_OK) == 0)) {
			number++;
			return path;
		}
		rmdir(path);
		free(path);
	}
	return NULL;
}

static void join_group(const char *group)
{
	cleanup_free char *path = text_format("%s/cgroup.procs", group);

	write_text(path, "0");
}

static bool has_process(const char *group)
{
	cleanup_free char *path = text_format("%s/cgroup.procs", group);
	cleanup_file FILE *file = fopen(path, "re");

	return file && getc(file) != EOF;
}

/* What a workspace does; never returns. */
typedef void (*life)(struct stand *stand);

static void enter(struct stand *stand)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	join_group(stand->group);
	if (chroot(stand->merged) < 0 || chdir("/") < 0)
		_exit(1);
}

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
	enter(stand);
	map_file()[7] = 7;
	for (;;)
		pause();
}

/* Changes of all kinds, and stores through a shared mapping. */
static void be_busy(struct stand *stand)
{
	uint64_t state = stand->state;
	unsigned *mapped;

	enter(stand);
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

	enter(stand);
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

static void stand_make(struct stand *stand, const char *root, uint64_t seed, life live)
{
	char *image;

	*stand = (struct stand){ .root = strdup(root), .state = seed };
	image = make_below(stand, "image");
	tree_change(image, 60, &stand->state);
	stand->layers[stand->count++] = image;
	stand->upper = make_below(stand, "upper");
	stand->work = make_below(stand, "work");
	stand->merged = make_below(stand, "rootfs");
	stand->shown = make_below(stand, "shown");
	stand->index = below(stand, "index");
	overlay_mount(stand->merged, stand->layers, 1, stand->upper, stand->work);
	tree_change(stand->merged, 60, &stand->state);
	stand->group = make_group();
	assert_non_null(stand->group);
	stand->pid = fork();
	if (stand->pid == 0)
		live(stand);
	while (!has_process(stand->group))
		clock_sleep_ms(5);
	clock_sleep_ms(30);
}

static void stand_end(struct stand *stand)
{
	kill(stand->pid, SIGKILL);
	assert_int_equal(waitpid(stand->pid, NULL, 0), stand->pid);
	for (int try = 0; rmdir(stand->group) < 0 && try < 100; try++)
		clock_sleep_ms(10);
	overlay_unmount(stand->merged);
}

/* The chain with the new layer must show what the workspace shows at this moment. */
static int compare(void *context, struct error *err)
{
	struct stand *stand = context;
	const char *layers[LAYERS_MAX + 1];
	cleanup_text struct text difference = { 0 };
	bool equal;

	layers[0] = stand->next;
	memcpy(layers + 1, stand->layers, stand->count * sizeof(*layers));
	overlay_mount(stand->shown, layers, stand->count + 1, NULL, NULL);
	equal = trees_equal(stand->merged, stand->shown, false, &difference);
	overlay_unmount(stand->shown);
	stand->compared++;
	return equal ? 0 : error_set(err, ERROR_FAILED, "%s", difference.data);
}

static struct live_result take_version(struct stand *stand, const char *tip, const char *name, bool follows)
{
	struct live_request request = {
		.pid = (uint32_t)stand->pid,
		.upper = stand->upper,
		.index = stand->index,
		.tip = tip,
		.max_freeze_ms = 60000,
		.inspect = compare,
		.context = stand,
	};
	const uint32_t self = (uint32_t)getpid();
	struct live_result result;
	struct live *live = NULL;
	struct error err = { 0 };
	bool has_tip, again;

	request.others = &self;
	request.other_count = 1;
	stand->next = make_below(stand, name);
	if (live_begin(&request, &live, &has_tip, &err) < 0)
		fail_msg("begin: %s", err.message);
	assert_int_equal(has_tip, follows);
	if (live_take(live, stand->next, &result, &again, &err) < 0)
		fail_msg("seed %llu, version %s%s: %s", (unsigned long long)first_seed, name, again ? " (again)" : "",
			 err.message);
	assert_int_equal(live_save_index(live, name, &err), 0);
	live_end(live);
	stand->walked += result.walked_frozen;
	print_message("%s: frozen %.1f ms, %u tries, %u passes, %llu entries, %llu bytes%s\n", name, result.frozen_ms,
		      result.tries, result.passes, (unsigned long long)result.copied_entries,
		      (unsigned long long)result.copied_bytes, result.walked_frozen ? ", walked" : "");
	memmove(stand->layers + 1, stand->layers, stand->count * sizeof(*stand->layers));
	stand->layers[0] = stand->next;
	stand->count++;
	return result;
}

/* All live layers as one: what is put on it shows the same. */
static void merge_versions(struct stand *stand)
{
	struct layer_merge_result result;
	struct error err = { 0 };
	char *merged = make_below(stand, "merged");

	if (layer_merge(LAYER_MARKS_TRUSTED, stand->layers, stand->count - 1, merged, &result, &err) < 0)
		fail_msg("merge: %s", err.message);
	stand->layers[1] = stand->layers[stand->count - 1];
	stand->layers[0] = merged;
	stand->count = 2;
}

static void take_versions(const char *type, unsigned megabytes, life live, unsigned changes)
{
	struct filesystem filesystem;
	struct stand stand;
	char *tip = NULL;

	if (!mounts_work)
		skip();
	filesystem_mount(&filesystem, folder, type, megabytes);
	stand_make(&stand, filesystem.root, first_seed, live);
	for (unsigned i = 0; i < version_count; i++) {
		char *name = text_format("v%u", i);

		take_version(&stand, tip, name, i > 0);
		tree_change(stand.merged, changes, &stand.state);
		tip = name;
	}
	assert_int_equal(stand.compared, version_count);
	merge_versions(&stand);
	take_version(&stand, tip, "on-merged", true);
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
	stand_make(&stand, filesystem.root, first_seed, be_quiet);
	result = take_version(&stand, NULL, "v0", false);
	assert_true(result.copied_bytes >= 1 << 12);
	for (unsigned i = 1; i < 4; i++) {
		char *tip = text_format("v%u", i - 1), *name = text_format("v%u", i);

		result = take_version(&stand, tip, name, true);
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
	stand_make(&stand, filesystem.root, first_seed, be_quiet);
	take_version(&stand, NULL, "v0", false);
	stand.layers[0] = stand.layers[--stand.count];
	take_version(&stand, "another", "v1", false);
	for (unsigned i = 0; i < 30; i++) {
		char *tip = text_format("v%u", i + 1), *name = text_format("v%u", i + 2);

		assert_int_equal(stat(stand.index, &status), 0);
		if (i % 5 == 4)
			assert_int_equal(truncate(stand.index, status.st_size - 1 - i), 0);
		else
			damage(stand.index, status.st_size * i / 30);
		stand.layers[0] = stand.layers[--stand.count];
		take_version(&stand, tip, name, false);
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
