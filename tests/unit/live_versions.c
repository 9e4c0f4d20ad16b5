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

/* What the workspace does: changes of all kinds, and stores through shared mappings and second names. */
__attribute__((noreturn)) static void be_busy(struct stand *stand, bool busy)
{
	uint64_t state = stand->state;
	unsigned *mapped;
	int file;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	join_group(stand->group);
	if (chroot(stand->merged) < 0 || chdir("/") < 0)
		_exit(1);
	file = open("/mapped", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0 || ftruncate(file, 1 << 16) < 0)
		_exit(1);
	mapped = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	for (unsigned round = 0;; round++) {
		if (!busy) {
			pause();
			continue;
		}
		mapped[round * 1024 % (1 << 14)] = round;
		tree_change("/", 1, &state);
	}
}

static void stand_make(struct stand *stand, const char *root, uint64_t seed, bool busy)
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
		be_busy(stand, busy);
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

static void take_version(struct stand *stand, const char *tip, const char *name, bool walk)
{
	struct live_request request = {
		.pid = (uint32_t)stand->pid,
		.upper = stand->upper,
		.index = stand->index,
		.tip = tip,
		.max_freeze_ms = 60000,
		.always_walk = walk,
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
	assert_int_equal(has_tip, tip != NULL);
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
}

static void take_versions(const char *type, unsigned megabytes, bool busy, unsigned changes)
{
	struct filesystem filesystem;
	struct stand stand;
	char *tip = NULL;

	if (!mounts_work)
		skip();
	filesystem_mount(&filesystem, folder, type, megabytes);
	stand_make(&stand, filesystem.root, first_seed, busy);
	for (unsigned i = 0; i < version_count; i++) {
		char *name = text_format("v%u", i);

		take_version(&stand, tip, name, false);
		tree_change(stand.merged, changes, &stand.state);
		tip = name;
	}
	assert_int_equal(stand.compared, version_count);
	stand_end(&stand);
	filesystem_unmount(&filesystem);
}

static void test_quiet_ext4(void **state)
{
	(void)state;
	take_versions("ext4", 200, false, 25);
}

static void test_busy_ext4(void **state)
{
	(void)state;
	take_versions("ext4", 200, true, 0);
}

static void test_busy_xfs(void **state)
{
	(void)state;
	take_versions("xfs", 400, true, 0);
}

static void test_busy_btrfs(void **state)
{
	(void)state;
	take_versions("btrfs", 400, true, 0);
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
	};

	if (argc > 2) {
		first_seed = strtoull(argv[1], NULL, 10);
		version_count = (unsigned)atoi(argv[2]);
	}
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
