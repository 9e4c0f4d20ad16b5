/* What overlay options say, and measuring, clearing, writing back. */
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/layer.h"
#include "support/scratch.h"

static void refuse_paths(const char *lowerdir, const char *message)
{
	struct layer_paths paths;
	struct error err = { 0 };

	assert_int_equal(layer_paths_parse(lowerdir, &paths, &err), -1);
	assert_string_equal(err.message, message);
	assert_int_equal(paths.count, 0);
}

static void test_paths(void **state)
{
	cleanup_layer_paths struct layer_paths paths = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(layer_paths_parse("/a/b:/c\\:d\\,e\\\\f:/\xff", &paths, &err), 0);
	assert_int_equal(paths.count, 3);
	assert_string_equal(paths.items[0], "/a/b");
	assert_string_equal(paths.items[1], "/c:d,e\\f");
	assert_string_equal(paths.items[2], "/\xff");
}

static void test_bad_paths(void **state)
{
	cleanup_text struct text many = { 0 };

	(void)state;
	refuse_paths("", "the overlay's lower layer '' is not an absolute path");
	refuse_paths("/a:", "the overlay's lower layer '' is not an absolute path");
	refuse_paths("/a::/data", "the overlay's lower layer '' is not an absolute path");
	refuse_paths("/a:b", "the overlay's lower layer 'b' is not an absolute path");
	for (int i = 0; i < 501; i++)
		text_add(&many, i ? ":/a" : "/a");
	refuse_paths(many.data, "the overlay has more than 500 lower layers");
	while (many.length <= 65536)
		text_add(&many, "/a");
	refuse_paths(many.data, "the overlay's lower layers are too many to read");
}

static void test_usage_and_clear(void **state)
{
	cleanup_free char *layer = text_format("%s/layer", scratch);
	int64_t bytes = 0, entries = 0;
	struct error err = { 0 };
	int fd;

	(void)state;
	assert_int_equal(chdir(scratch), 0);
	assert_int_equal(mkdir("layer", 0700), 0);
	assert_int_equal(mkdir("layer/d", 0700), 0);
	assert_int_equal(symlink("/", "layer/d/link"), 0);
	fd = open("layer/f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
	close(fd);
	assert_int_equal(link("layer/f", "layer/d/again"), 0);
	assert_int_equal(chdir("/"), 0);

	layer_usage(layer, &bytes, &entries, &err);
	assert_string_equal(err.message, "");
	assert_int_equal(entries, 4); /* layer, d, link, f */
	assert_true(bytes >= 1 << 20 && bytes < 2 << 20);
	layer_clear(layer, &err);
	assert_string_equal(err.message, "");
	layer_usage(layer, &bytes, &entries, &err);
	assert_int_equal(entries, 1);
	layer_clear(scratch, &err);
	assert_string_equal(err.message, "");
	/* It is there still, and empty. */
	assert_int_equal(rmdir(scratch), 0);
	assert_int_equal(mkdir(scratch, 0700), 0);
}

/* Folders come and go, in the layer's root and deep in it. */
static _Noreturn void never_rest(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		mkdir("layer/a", 0700);
		mkdir("layer/a/b", 0700);
		mkdir("layer/a/b/c", 0700);
		rename("layer/a", "layer/z");
		rename("layer/z/b", "layer/y");
		rmdir("layer/y/c");
		rmdir("layer/y");
		rmdir("layer/z");
	}
}

static void test_usage_while_others_change_it(void **state)
{
	cleanup_free char *layer = text_format("%s/layer", scratch);
	int64_t bytes, entries;
	struct error err = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(mkdir(layer, 0700), 0);
	assert_int_equal(chdir(scratch), 0);
	pid = fork();
	if (pid == 0)
		never_rest();
	for (int i = 0; i < 20000; i++) {
		if (layer_usage(layer, &bytes, &entries, &err) < 0)
			fail_msg("the look number %d: %s", i, err.message);
		assert_true(entries >= 1);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(layer_clear(scratch, &err), 0);
}

static void test_clear_spares_targets(void **state)
{
	cleanup_free char *layer = text_format("%s/layer", scratch);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(chdir(scratch), 0);
	assert_int_equal(mkdir("outside", 0700), 0);
	assert_int_equal(mkdir("outside/kept", 0700), 0);
	assert_int_equal(mkdir("layer", 0700), 0);
	assert_int_equal(symlink("../outside", "layer/link"), 0);
	assert_int_equal(symlink("layer", "alias"), 0);
	layer_clear(layer, &err);
	assert_string_equal(err.message, "");
	assert_int_equal(access("outside/kept", F_OK), 0);
	free(layer);
	layer = text_format("%s/alias", scratch);
	assert_int_equal(layer_clear(layer, &err), -1); /* a link is no directory */
	assert_int_equal(chdir("/"), 0);
}

static void test_filesystem(void **state)
{
	struct layer_space space;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(layer_space("/", &space, &err), 0);
	assert_true(space.total_bytes > 0 && space.free_bytes <= space.total_bytes);
	assert_true(space.free_inodes <= space.total_inodes);
	assert_int_equal(layer_space("/nowhere", &space, &err), -1);
	assert_string_equal(err.message, "cannot examine the filesystem of '/nowhere': No such file or directory");
	assert_int_equal(layer_sync("/nowhere", &err), -1);
	assert_string_equal(err.message, "cannot open '/nowhere': No such file or directory");
	assert_int_equal(layer_sync("/dev/shm", &err), 0);
}

static void expect_mount_size(const char *lowerdir, const char *upper, size_t lower_bytes)
{
	struct layer_paths paths, none = { 0 };
	struct error err = { 0 };

	assert_int_equal(layer_paths_parse(lowerdir, &paths, &err), 0);
	assert_int_equal(layer_paths_mount_size(&paths, upper) - layer_paths_mount_size(&none, upper), lower_bytes);
	layer_paths_free(&paths);
}

/* Only what follows the folder that all are in counts. */
static void test_mount_size(void **state)
{
	(void)state;
	expect_mount_size("/a/snapshots/11/fs:/a/snapshots/1/fs", "/a/snapshots/12/fs", strlen("11/fs:1/fs:"));
	expect_mount_size("/a/snapshots/1/fs", "/a/snapshots/12/fs", strlen("fs:"));
	expect_mount_size("/a/b/c:/d/e", "/a", strlen("a/b/c:d/e:"));
}

#define in_scratch(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mount_size),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_bad_paths),
		in_scratch(test_usage_and_clear),
		in_scratch(test_usage_while_others_change_it),
		in_scratch(test_clear_spares_targets),
		cmocka_unit_test(test_filesystem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
