/* Whether a layer changes anything on top of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/layer.h"
#include "support/filesystems.h"
#include "support/scratch.h"

static char folder[PATH_MAX];
static enum layer_marks marks;

/* In the folder that each test starts with: "upper" is asked about, on top of "new" and "old". */
static int changes_nothing(size_t below_count)
{
	static const char *const names[] = { "upper", "new", "old" };
	static char paths[3][PATH_MAX];
	const char *pointers[3];
	struct error err = { 0 };
	int answer;

	for (int i = 0; i < 3; i++) {
		assert_non_null(realpath(names[i], paths[i]));
		pointers[i] = paths[i];
	}
	answer = layer_changes_nothing(marks, pointers[0], pointers + 1, below_count, &err);
	assert_string_equal(err.message, "");
	return answer;
}

static void make_folder(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_file(const char *path, const char *content)
{
	const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
	cleanup_file FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fflush(file), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void make_whiteout(const char *path)
{
	assert_int_equal(mknod(path, S_IFCHR, makedev(0, 0)), 0);
}

static void set_xattr(const char *path, const char *name, const char *value)
{
	assert_int_equal(lsetxattr(path, name, value, strlen(value), 0), 0);
}

static int begin(void **state)
{
	struct error err = { 0 };

	(void)state;
	marks = LAYER_MARKS_TRUSTED;
	if (layer_clear(folder, &err) < 0 || chdir(folder) < 0)
		return -1;
	make_folder("upper");
	make_folder("new");
	make_folder("old");
	return 0;
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(changes_nothing(2), 1);
	assert_int_equal(changes_nothing(0), 1);
	assert_int_equal(chmod("upper", 0700), 0);
	assert_int_equal(changes_nothing(2), 0);
	assert_int_equal(changes_nothing(0), 1);
}

static void test_root_attributes(void **state)
{
	(void)state;
	set_xattr("upper", "trusted.overlay.impure", "y");
	assert_int_equal(changes_nothing(2), 1);
	set_xattr("upper", "user.x", "1");
	assert_int_equal(changes_nothing(2), 0);
	set_xattr("new", "user.x", "2");
	assert_int_equal(changes_nothing(2), 0);
	set_xattr("new", "user.x", "1");
	assert_int_equal(changes_nothing(2), 1);
	set_xattr("new", "user.y", "1");
	assert_int_equal(changes_nothing(2), 0);
}

static void test_mount_points(void **state)
{
	(void)state;
	make_folder("old/etc");
	make_file("old/etc/hosts", "");
	make_folder("upper/etc");
	make_file("upper/etc/hosts", "");
	assert_int_equal(changes_nothing(2), 1);
	assert_int_equal(changes_nothing(1), 0); /* "old" is not below */
	make_file("upper/etc/resolv.conf", "");
	assert_int_equal(changes_nothing(2), 0);
}

static void test_hidden_below(void **state)
{
	(void)state;
	make_folder("old/d");
	make_folder("old/d/e");
	make_folder("upper/d");
	make_folder("upper/d/e");
	assert_int_equal(changes_nothing(2), 1);
	make_folder("new/d");
	assert_int_equal(changes_nothing(2), 1);
	set_xattr("new/d", "trusted.overlay.opaque", "y");
	assert_int_equal(changes_nothing(2), 0);
	assert_int_equal(rmdir("new/d"), 0);
	make_whiteout("new/d");
	assert_int_equal(changes_nothing(2), 0);
}

static void test_opaque(void **state)
{
	(void)state;
	make_folder("old/d");
	make_folder("upper/d");
	set_xattr("upper/d", "trusted.overlay.origin", "");
	assert_int_equal(changes_nothing(2), 1);
	set_xattr("upper/d", "trusted.overlay.opaque", "y");
	assert_int_equal(changes_nothing(2), 1); /* it hides nothing */
	make_file("old/d/f", "hidden");
	assert_int_equal(changes_nothing(2), 0);
	make_file("upper/d/f", "hidden");
	assert_int_equal(changes_nothing(2), 1);
	set_xattr("upper/d", "trusted.overlay.redirect", "/e");
	assert_int_equal(changes_nothing(2), 0);
}

/* With `userxattr` a mark of the other name is content, and the other way round. */
static void test_user_marks(void **state)
{
	(void)state;
	make_folder("old/d");
	make_folder("upper/d");
	set_xattr("upper/d", "user.overlay.origin", "");
	assert_int_equal(changes_nothing(2), 0);
	marks = LAYER_MARKS_USER;
	make_file("old/d/f", "hidden");
	assert_int_equal(changes_nothing(2), 1);
	set_xattr("upper/d", "user.overlay.opaque", "y");
	assert_int_equal(changes_nothing(2), 0);
	assert_int_equal(rmdir("upper/d"), 0);
	make_folder("upper/d");
	set_xattr("upper/d", "trusted.overlay.opaque", "y");
	assert_int_equal(changes_nothing(2), 0);
	set_xattr("old/d", "trusted.overlay.opaque", "y");
	assert_int_equal(changes_nothing(2), 1);
}

/* An empty file with the mark "whiteout" is one, above and below; with content it is a file. */
static void test_attribute_whiteouts(void **state)
{
	(void)state;
	make_file("upper/gone", "");
	set_xattr("upper/gone", "trusted.overlay.whiteout", "y");
	assert_int_equal(changes_nothing(2), 1);
	make_file("old/gone", "");
	assert_int_equal(changes_nothing(2), 0);
	make_file("new/gone", "");
	set_xattr("new/gone", "trusted.overlay.whiteout", "y");
	assert_int_equal(changes_nothing(2), 1);
	marks = LAYER_MARKS_USER;
	assert_int_equal(changes_nothing(2), 1); /* now two equal files */
	set_xattr("new/gone", "user.overlay.whiteout", "y");
	assert_int_equal(changes_nothing(2), 0);
	assert_int_equal(unlink("new/gone"), 0);
	assert_int_equal(unlink("old/gone"), 0);
	make_file("new/gone", "x");
	set_xattr("new/gone", "user.overlay.whiteout", "y");
	make_whiteout("upper/other");
	assert_int_equal(unlink("upper/gone"), 0);
	assert_int_equal(changes_nothing(2), 1);
	make_whiteout("upper/gone");
	assert_int_equal(changes_nothing(2), 0);
}

static void test_whiteouts(void **state)
{
	(void)state;
	make_whiteout("upper/a");
	assert_int_equal(changes_nothing(2), 1);
	make_whiteout("new/a");
	make_file("old/a", "hidden");
	assert_int_equal(changes_nothing(2), 1);
	assert_int_equal(unlink("new/a"), 0);
	assert_int_equal(changes_nothing(2), 0);
}

static void test_files(void **state)
{
	(void)state;
	make_file("old/f", "content");
	make_file("upper/f", "content");
	assert_int_equal(changes_nothing(2), 1);
	make_file("upper/f", "CONTENT");
	assert_int_equal(changes_nothing(2), 0);
	make_file("upper/f", "content");
	assert_int_equal(chown("upper/f", 1, 0), 0);
	assert_int_equal(changes_nothing(2), 0);
	assert_int_equal(chown("upper/f", 0, 0), 0);
	assert_int_equal(changes_nothing(2), 1);
	assert_int_equal(utimensat(AT_FDCWD, "upper/f", (const struct timespec[2]){ { 0, 0 }, { 2000, 3 } }, 0), 0);
	assert_int_equal(changes_nothing(2), 0);
}

static void test_large_file(void **state)
{
	const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };

	(void)state;
	for (int size = 1 << 20; size <= (1 << 20) + 1; size++) {
		make_file("old/f", "");
		make_file("upper/f", "");
		assert_int_equal(truncate("old/f", size), 0);
		assert_int_equal(truncate("upper/f", size), 0);
		assert_int_equal(utimensat(AT_FDCWD, "old/f", times, 0), 0);
		assert_int_equal(utimensat(AT_FDCWD, "upper/f", times, 0), 0);
		assert_int_equal(changes_nothing(2), size == 1 << 20);
	}
}

static void test_other_kinds(void **state)
{
	const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
	static const char *const names[] = { "old/l", "upper/l", "old/c", "upper/c" };

	(void)state;
	assert_int_equal(symlink("one", "old/l"), 0);
	assert_int_equal(symlink("one", "upper/l"), 0);
	assert_int_equal(mknod("old/c", S_IFCHR | 0600, makedev(1, 3)), 0);
	assert_int_equal(mknod("upper/c", S_IFCHR | 0600, makedev(1, 3)), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(utimensat(AT_FDCWD, names[i], times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(changes_nothing(2), 1);
	assert_int_equal(unlink("upper/l"), 0);
	assert_int_equal(symlink("two", "upper/l"), 0);
	assert_int_equal(utimensat(AT_FDCWD, "upper/l", times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(changes_nothing(2), 0);
	assert_int_equal(unlink("upper/l"), 0);
	assert_int_equal(changes_nothing(2), 1);
	assert_int_equal(unlink("upper/c"), 0);
	assert_int_equal(mknod("upper/c", S_IFCHR | 0600, makedev(1, 5)), 0);
	assert_int_equal(utimensat(AT_FDCWD, "upper/c", times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(changes_nothing(2), 0);
}

/* A workspace at work in its layer: files in which every other name is a device or a FIFO for a moment. */
#define SWAPPED 8

static void swap(int upper, int turn)
{
	char file[16], device[16];

	snprintf(file, sizeof(file), "f%d", turn % SWAPPED);
	snprintf(device, sizeof(device), "../device%d", turn % SWAPPED);
	assert_int_equal(renameat2(upper, file, upper, device, RENAME_EXCHANGE), 0);
}

static void *swap_always(void *stop)
{
	cleanup_fd int upper = open("upper", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int turn = 0; !atomic_load((atomic_bool *)stop); turn++)
		swap(upper, turn);
	return NULL;
}

static int watch_devices(void)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	assert_true(watch >= 0);
	for (int i = 0; i < SWAPPED; i++) {
		char path[16];

		snprintf(path, sizeof(path), "device%d", i);
		assert_int_equal(mknod(path, i % 2 ? S_IFIFO | 0644 : S_IFCHR | 0644, i % 2 ? 0 : makedev(1, 3)), 0);
		assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	}
	return watch;
}

static void test_device_in_place_of_a_file(void **state)
{
	struct error err = { 0 };
	const char *const below[] = { "old" };
	atomic_bool stop = false;
	pthread_t thread;
	struct inotify_event event;

	(void)state;
	for (int i = 0; i < SWAPPED; i++) {
		char path[16];

		snprintf(path, sizeof(path), "old/f%d", i);
		make_file(path, "the same");
		snprintf(path, sizeof(path), "upper/f%d", i);
		make_file(path, "the same");
	}
	cleanup_fd int watch = watch_devices();

	assert_int_equal(pthread_create(&thread, NULL, swap_always, &stop), 0);
	for (int i = 0; i < 20000; i++)
		if (layer_changes_nothing(LAYER_MARKS_TRUSTED, "upper", below, 1, &err) < 0)
			break;
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(err.message, "");
	assert_int_equal(read(watch, &event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Folders that come and go, and are links and files for a moment. */
static void *move_always(void *stop)
{
	while (!atomic_load((atomic_bool *)stop)) {
		assert_int_equal(rename("upper/d/e", "upper/e"), 0);
		assert_int_equal(symlink("/etc", "upper/d/e"), 0);
		assert_int_equal(unlink("upper/d/e"), 0);
		assert_int_equal(rename("upper/e", "upper/d/e"), 0);
		assert_int_equal(rmdir("upper/d/e/g"), 0);
		make_folder("upper/d/e/g");
	}
	return NULL;
}

static void test_folders_that_vanish(void **state)
{
	struct error err = { 0 };
	const char *const below[] = { "old" };
	atomic_bool stop = false;
	pthread_t thread;

	(void)state;
	for (const char *const *path = (const char *const[]){ "old/d", "old/d/e", "old/d/e/g", "upper/d", "upper/d/e",
							      "upper/d/e/g", NULL };
	     *path; path++)
		make_folder(*path);
	assert_int_equal(pthread_create(&thread, NULL, move_always, &stop), 0);
	for (int i = 0; i < 20000; i++)
		if (layer_changes_nothing(LAYER_MARKS_TRUSTED, "upper", below, 1, &err) < 0)
			break;
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(err.message, "");
}

static void test_missing(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(layer_changes_nothing(LAYER_MARKS_TRUSTED, "/nowhere/upper", NULL, 0, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.message, "cannot examine the layer: cannot open the directory '/nowhere/upper': "
					 "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, begin),
		cmocka_unit_test_setup(test_root_attributes, begin),
		cmocka_unit_test_setup(test_mount_points, begin),
		cmocka_unit_test_setup(test_hidden_below, begin),
		cmocka_unit_test_setup(test_opaque, begin),
		cmocka_unit_test_setup(test_whiteouts, begin),
		cmocka_unit_test_setup(test_user_marks, begin),
		cmocka_unit_test_setup(test_attribute_whiteouts, begin),
		cmocka_unit_test_setup(test_files, begin),
		cmocka_unit_test_setup(test_large_file, begin),
		cmocka_unit_test_setup(test_other_kinds, begin),
		cmocka_unit_test_setup(test_missing, begin),
		cmocka_unit_test_setup(test_device_in_place_of_a_file, begin),
		cmocka_unit_test_setup(test_folders_that_vanish, begin),
	};
	struct filesystem filesystem;
	int failed;

	if (!filesystems_available()) {
		puts("needs root: skipped");
		return 0;
	}
	scratch_set_up(NULL);
	filesystem_mount(&filesystem, scratch, "ext4", 64);
	memcpy(folder, filesystem.root, sizeof(folder));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (chdir("/") == 0)
		filesystem_unmount(&filesystem);
	scratch_tear_down(NULL);
	return failed;
}
