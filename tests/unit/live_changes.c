/*
 * A change of a workspace's files while its processes never stop changing them: when it is made, and before anybody runs
 * again, the workspace must show what the version shows, byte by byte.
 *
 *     live_changes [SEED CHANGES [FOLDER]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "replace/replace.h"
#include "support/filesystems.h"
#include "support/live_stand.h"
#include "support/scratch.h"
#include "support/tree_compare.h"
#include "support/tree_random.h"

static uint64_t first_seed = 1;
static unsigned change_count = 10;

struct changing {
	struct stand *stand;
	struct replace replace;
	int root, tree;
	char *then; /* where the version is mounted */
	bool fails; /* make() does, in this process */
	unsigned told, compared;
};

/* Changes of all kinds, stores through a shared mapping, writes to a file that is open. */
static void be_busy(struct stand *stand)
{
	uint64_t state = stand->state;
	unsigned *mapped;

	stand_enter(stand);
	mapped = stand_map_file();
	for (unsigned round = 0;; round++) {
		mapped[round * 1024 % (1 << 14)] = round;
		if (round % 500 == 0)
			mapped = stand_map_file();
		tree_change("/", 1, &state);
	}
}

/* Folders that came from below are moved, become links, come back with other things in them, or are made anew. */
static void move_folders(struct stand *stand)
{
	stand_enter(stand);
	for (unsigned round = 0;; round++) {
		close(open("/kept/file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
		rename("/swapped", "/aside");
		(void)!symlink("/kept", "/swapped");
		unlink("/aside/sub/file");
		mkdir("/aside/new", 0755);
		unlink("/swapped");
		rename("/aside", "/swapped");
		rename("/swapped/sub", "/swapped/new/sub");
		rename("/swapped/new/sub", "/swapped/sub");
		rmdir("/swapped/new");
		(void)!link("/kept/file", "/swapped/sub/file");
		rename("/one", "/two");
		mkdir("/one", 0700);
		rename("/two/a", "/one/b");
		rename("/one/b", "/two/a");
		rmdir("/one");
		rename("/two", "/one");
	}
}

static int look(void *context, struct error *err)
{
	struct changing *changing = context;

	if (replace_begin(&changing->replace, changing->root, changing->tree, "test", err) < 0 ||
	    replace_compare(&changing->replace, "", true, err) < 0 || replace_link(&changing->replace, true, err) < 0)
		return -1;
	/* Long enough that much moves behind it. */
	clock_sleep_ms(20);
	return replace_stage(&changing->replace, 0, err);
}

static int moved(const char *path, bool whole, void *context, struct error *err)
{
	struct changing *changing = context;

	changing->told++;
	return replace_compare(&changing->replace, path, whole, err);
}

static int ready(void *context, struct error *err)
{
	struct changing *changing = context;

	return replace_link(&changing->replace, false, err) < 0 ? -1 : replace_check(&changing->replace, err);
}

static int seal(void *context, struct error *err)
{
	(void)context;
	(void)err;
	return 0;
}

static int make(void *context, struct error *err)
{
	struct changing *changing = context;
	cleanup_text struct text difference = { 0 };

	if (changing->fails)
		return error_set(err, ERROR_FAILED, "it does not want to");
	if (replace_apply(&changing->replace, err) < 0)
		return -1;
	changing->compared++;
	return trees_equal(changing->stand->merged, changing->then, true, &difference)
		       ? 0
		       : error_set(err, ERROR_FAILED, "%s", difference.data);
}

/* In the guard, which knows nothing of what was worked out. */
static int finish(void *context)
{
	struct changing *changing = context;
	struct error err = { 0 };

	replace_release(&changing->replace);
	if (replace_begin(&changing->replace, changing->root, changing->tree, "test", &err) < 0 ||
	    replace_compare(&changing->replace, "", true, &err) < 0)
		return -1;
	return replace_apply(&changing->replace, &err);
}

static int settle(void *context)
{
	(void)context;
	return 0;
}

static int change(struct changing *changing, struct live_result *result, struct error *err)
{
	const struct live_change wanted = {
		.look = look,
		.moved = moved,
		.ready = ready,
		.seal = seal,
		.give_up = settle,
		.make = make,
		.finish = finish,
		.settle = settle,
		.kept = { changing->root, changing->tree, -1, -1, -1, -1, -1, -1 },
		.context = changing,
	};
	struct live_request request = stand_request(changing->stand);
	struct live *live = NULL;
	bool has_tip, again;
	int done;

	request.change = &wanted;
	done = live_begin(&request, &live, &has_tip, err);
	if (done == 0)
		done = live_take(live, NULL, result, &again, err);
	live_end(live);
	return done;
}

static void begin(struct changing *changing, struct stand *stand)
{
	char *then = text_format("%s/then", stand->filesystem.root);

	assert_int_equal(mkdir(then, 0755), 0);
	stand_take_blindly(stand);
	overlay_mount(then, stand->layers, stand->count, NULL, NULL);
	*changing = (struct changing){ .stand = stand, .then = then };
	changing->tree = open(then, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(changing->tree >= 0);
}

static void end(struct changing *changing)
{
	close(changing->tree);
	overlay_unmount(changing->then);
	free(changing->then);
}

static void open_root(struct changing *changing)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", changing->stand->pid);
	changing->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(changing->root >= 0);
}

static void fill_image(const char *path)
{
	static const char *const folders[] = { "kept", "swapped", "swapped/sub", "one", "one/a", "one/a/deep" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		cleanup_free char *made = text_format("%s/%s", path, folders[i]);
		cleanup_free char *file = text_format("%s/%s/text", path, folders[i]);
		int fd;

		mkdir(made, 0755);
		fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		(void)!write(fd, "text\n", 5);
		close(fd);
	}
}

/* What flickers is there in the version. */
static void fill_with_links(const char *path)
{
	for (unsigned i = 0; i < 8; i++) {
		cleanup_free char *link = text_format("%s/flickers%u", path, i);

		(void)!symlink("/etc", link);
	}
}

static bool runs(const struct stand *stand)
{
	cleanup_free char *path = text_format("%s/cgroup.events", stand->group);
	cleanup_file FILE *events = fopen(path, "re");
	char line[64];

	while (events && fgets(line, sizeof(line), events))
		if (strcmp(line, "frozen 1\n") == 0)
			return false;
	return true;
}

static void make_changes(const char *type, image_filler fill, life live, bool fails)
{
	struct changing changing;
	struct stand stand;

	stand_make(&stand, type, first_seed, fill, live);
	begin(&changing, &stand);
	for (unsigned i = 0; i < change_count; i++) {
		struct live_result result;
		struct error err = { 0 };

		open_root(&changing);
		changing.fails = fails;
		if (change(&changing, &result, &err) < 0)
			fail_msg("seed %llu, change %u: %s", (unsigned long long)first_seed, i, err.message);
		print_message("%u: frozen %.1f ms, %zu entries changed, %u paths had moved%s\n", i, result.frozen_ms,
			      changing.replace.count, changing.told, result.walked_frozen ? ", walked" : "");
		changing.told = 0;
		/* The files that were made are closed while nobody watches. */
		replace_release(&changing.replace);
		assert_true(runs(&stand));
		close(changing.root);
	}
	assert_int_equal(changing.compared, fails ? 0 : change_count);
	end(&changing);
	stand_end(&stand);
}

static void test_busy_ext4(void **state)
{
	(void)state;
	make_changes("ext4", fill_image, be_busy, false);
}

static void test_busy_xfs(void **state)
{
	(void)state;
	make_changes("xfs", fill_image, be_busy, false);
}

static void test_folders_ext4(void **state)
{
	(void)state;
	make_changes("ext4", fill_image, move_folders, false);
}

static void test_flickering_ext4(void **state)
{
	(void)state;
	make_changes("ext4", fill_with_links, stand_be_flickering, false);
}

/* The guard makes it then. */
static void test_guard(void **state)
{
	(void)state;
	make_changes("ext4", fill_image, be_busy, true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_busy_ext4, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_busy_xfs, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_folders_ext4, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_flickering_ext4, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_guard, scratch_set_up, scratch_tear_down),
	};

	random_arguments(argc, argv, &first_seed, &change_count);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
