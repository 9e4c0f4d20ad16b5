/* Merging layers: every combination of what three layers have under a name, then the cases by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/layer.h"
#include "support/filesystems.h"
#include "support/tree_compare.h"

#define OPAQUE "trusted.overlay.opaque"
#define USER_OPAQUE "user.overlay.opaque"

static char folder[PATH_MAX];
static struct filesystem ext4, xfs;
static bool mounts_work;
static enum layer_marks marks;

/* Folders are named by the working directory: the filesystem under test. */
static void enter(const struct filesystem *filesystem)
{
	struct error err = { 0 };

	if (!mounts_work)
		skip();
	marks = LAYER_MARKS_TRUSTED;
	layer_clear(filesystem->root, &err);
	assert_string_equal(err.message, "");
	assert_int_equal(chdir(filesystem->root), 0);
}

static void make_folder(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_file(const char *path, const char *content)
{
	cleanup_file FILE *file = fopen(path, "wx");

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
}

static void make_large(const char *path, size_t size)
{
	cleanup_file FILE *file = fopen(path, "wx");

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		assert_true(putc('x', file) == 'x');
}

static void make_whiteout(const char *path)
{
	assert_int_equal(mknod(path, S_IFCHR, makedev(0, 0)), 0);
}

static void set_xattr(const char *path, const char *name, const char *value)
{
	assert_int_equal(lsetxattr(path, name, value, strlen(value), 0), 0);
}

static bool has_xattr(const char *path, const char *name)
{
	return lgetxattr(path, name, NULL, 0) >= 0;
}

static struct stat status_of(const char *path)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		fail_msg("'%s' is not there", path);
	return status;
}

/* Merges folders of the working directory, newest first, into `target`, which is made. */
static int merge(const char *const *names, size_t count, const char *target, struct layer_merge_result *result,
		 struct error *err)
{
	char here[PATH_MAX], target_path[PATH_MAX + 300], paths[8][PATH_MAX + 300];
	const char *layers[8];

	assert_non_null(getcwd(here, sizeof(here)));
	for (size_t i = 0; i < count; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", here, names[i]);
		layers[i] = paths[i];
	}
	snprintf(target_path, sizeof(target_path), "%s/%s", here, target);
	if (mkdir(target_path, 0755) < 0)
		assert_int_equal(errno, EEXIST);
	return layer_merge(marks, layers, count, target_path, result, err);
}

static struct layer_merge_result merge_well(const char *const *names, size_t count)
{
	struct layer_merge_result result;
	struct error err = { 0 };

	merge(names, count, "target", &result, &err);
	assert_string_equal(err.message, "");
	return result;
}

static void merge_badly(const char *const *names, size_t count, enum error_kind kind, const char *message)
{
	struct layer_merge_result result;
	struct error err = { 0 };

	assert_int_equal(merge(names, count, "target", &result, &err), -1);
	assert_string_equal(err.message, message);
	assert_int_equal(err.kind, kind);
}

/* What a layer may have under a name. */
enum holds { NOTHING, FILE_THERE, WHITEOUT, FOLDER, OPAQUE_FOLDER, HOLDS_COUNT };

static void fill(const char *layer, const char *name, enum holds holds)
{
	cleanup_free char *path = text_format("%s/%s", layer, name);
	cleanup_free char *inner = text_format("%s/in-%s", path, layer);
	cleanup_free char *shared = text_format("%s/shared", path);
	cleanup_free char *hidden = text_format("%s/hidden", path);

	if (holds == FILE_THERE)
		make_file(path, layer);
	if (holds == WHITEOUT)
		make_whiteout(path);
	if (holds != FOLDER && holds != OPAQUE_FOLDER)
		return;
	make_folder(path);
	make_file(inner, layer);
	make_file(shared, layer);
	if (strcmp(layer, "below") == 0)
		make_file(hidden, layer);
	if (holds == OPAQUE_FOLDER) {
		set_xattr(path, marks == LAYER_MARKS_USER ? USER_OPAQUE : OPAQUE, "y");
	} else if (strcmp(layer, "old") == 0) {
		make_whiteout(hidden);
		set_xattr(path, marks == LAYER_MARKS_USER ? "user.overlay.origin" : "trusted.overlay.origin",
			  ""); /* as where the kernel makes one */
	}
}

static void fill_combinations(void)
{
	static const char *const layers[] = { "new", "middle", "old", "below" };

	for (int i = 0; i < 4; i++)
		make_folder(layers[i]);
	for (int i = 0; i < HOLDS_COUNT * HOLDS_COUNT * HOLDS_COUNT * HOLDS_COUNT; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		for (int layer = 0, rest = i; layer < 4; layer++, rest /= HOLDS_COUNT)
			fill(layers[layer], name, (enum holds)(rest % HOLDS_COUNT));
	}
}

static void compare_views(const char *const *before, size_t before_count, const char *const *after, size_t after_count)
{
	cleanup_text struct text difference = { 0 };
	bool same;

	make_folder("before");
	make_folder("after");
	overlay_mount("before", before, before_count, NULL, NULL);
	overlay_mount("after", after, after_count, NULL, NULL);
	same = trees_equal("before", "after", false, &difference);
	overlay_unmount("after");
	overlay_unmount("before");
	if (!same)
		fail_msg("%s", difference.data);
}

static void check_combinations(const struct filesystem *filesystem, enum layer_marks kind)
{
	static const char *const layers[] = { "new", "middle", "old", "below", "empty" };
	static const char *const after[] = { "target", "below", "empty" };

	enter(filesystem);
	marks = kind;
	overlay_use_userxattr(kind == LAYER_MARKS_USER);
	fill_combinations();
	make_folder("empty");
	merge_well(layers, 3);
	compare_views(layers, 5, after, 3);
	overlay_use_userxattr(false);
	assert_true(trees_compared() > 1000);
}

static void test_combinations_linked(void **state)
{
	(void)state;
	check_combinations(&ext4, LAYER_MARKS_TRUSTED);
	check_combinations(&ext4, LAYER_MARKS_USER);
}

static void test_combinations_cloned(void **state)
{
	(void)state;
	check_combinations(&xfs, LAYER_MARKS_TRUSTED);
	check_combinations(&xfs, LAYER_MARKS_USER);
}

static void test_linked(void **state)
{
	static const char *const layers[] = { "new", "old" };
	struct layer_merge_result result;

	(void)state;
	enter(&ext4);
	make_folder("new");
	make_folder("old");
	make_file("new/a", "a");
	make_file("old/b", "b");
	assert_int_equal(symlink("a", "old/link"), 0);
	result = merge_well(layers, 2);
	assert_int_equal(result.entries, 3);
	assert_int_equal(result.copied_bytes, 0);
	assert_int_equal(status_of("target/a").st_ino, status_of("new/a").st_ino);
	assert_int_equal(status_of("target/b").st_ino, status_of("old/b").st_ino);
	assert_int_equal(status_of("target/link").st_ino, status_of("old/link").st_ino);
}

static void test_cloned(void **state)
{
	static const char *const layers[] = { "new" };
	struct layer_merge_result result;

	(void)state;
	enter(&xfs);
	make_folder("new");
	make_file("new/a", "some content");
	assert_int_equal(link("new/a", "new/b"), 0);
	result = merge_well(layers, 1);
	assert_int_equal(result.entries, 2);
	assert_int_equal(result.copied_bytes, 0);
	assert_int_not_equal(status_of("target/a").st_ino, status_of("new/a").st_ino);
	assert_int_equal(status_of("target/a").st_ino, status_of("target/b").st_ino);
	assert_int_equal(status_of("new/a").st_nlink, 2);
}

/* Layers on another filesystem: neither links nor references. */
static void test_copied(void **state)
{
	cleanup_free char *layer = text_format("%s/copied", xfs.root);
	cleanup_free char *target = text_format("%s/target", ext4.root);
	struct layer_merge_result result;
	struct error err = { 0 };
	int fd;

	(void)state;
	enter(&xfs);
	enter(&ext4);
	make_folder(layer);
	make_folder(target);
	assert_int_equal(chdir(layer), 0);
	fd = open("holes", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	assert_int_equal(pwrite(fd, "x", 1, 8 << 20), 1);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	close(fd);
	assert_int_equal(link("holes", "again"), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	layer_merge(marks, (const char *const[]){ layer }, 1, target, &result, &err);
	assert_string_equal(err.message, "");
	assert_int_equal(chdir(target), 0);
	assert_true(result.copied_bytes > 0 && result.copied_bytes < 1 << 20);
	assert_int_equal(status_of("holes").st_size, 64 << 20);
	assert_true(status_of("holes").st_blocks < 2048);
	assert_int_equal(status_of("holes").st_ino, status_of("again").st_ino);
	assert_true(S_ISFIFO(status_of("fifo").st_mode));
	{
		cleanup_text struct text difference = { 0 };

		if (!trees_equal(layer, target, false, &difference))
			fail_msg("%s", difference.data);
	}
}

/* More links than an inode can have: the rest becomes one copy. */
static void test_too_many_links(void **state)
{
	static const char *const layers[] = { "new" };
	struct layer_merge_result result;
	unsigned count = 1;

	(void)state;
	enter(&ext4);
	make_folder("new");
	make_folder("others");
	make_file("new/a", "content");
	assert_int_equal(link("new/a", "new/b"), 0);
	for (char name[32]; count < 70000; count++) {
		snprintf(name, sizeof(name), "others/%u", count);
		if (link("new/a", name) < 0)
			break;
	}
	assert_int_equal(errno, EMLINK);
	result = merge_well(layers, 1);
	assert_int_equal(result.copied_bytes, strlen("content"));
	assert_int_not_equal(status_of("target/a").st_ino, status_of("new/a").st_ino);
	assert_int_equal(status_of("target/a").st_ino, status_of("target/b").st_ino);
}

static void test_root(void **state)
{
	static const char *const layers[] = { "new", "old" };
	static const unsigned char acl[] = {
		2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 4,   0,
		5, 0, 255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255,
	};
	struct stat target, new;

	(void)state;
	enter(&ext4);
	make_folder("new");
	make_folder("old");
	make_folder("target");
	make_file("old/a", "a");
	set_xattr("old", "user.old", "1");
	set_xattr("new", "user.new", "1");
	set_xattr("new", OPAQUE, "y"); /* the kernel never asks for it at the root */
	assert_int_equal(setxattr("target", "system.posix_acl_default", acl, sizeof(acl), 0), 0);
	assert_int_equal(chown("new", 12, 34), 0);
	assert_int_equal(chmod("new", 01751), 0);
	merge_well(layers, 2);
	target = status_of("target");
	new = status_of("new");
	assert_int_equal(target.st_uid, 12);
	assert_int_equal(target.st_gid, 34);
	assert_int_equal(target.st_mode, S_IFDIR | 01751);
	assert_memory_equal(&target.st_mtim, &new.st_mtim, sizeof(new.st_mtim));
	assert_true(has_xattr("target", "user.new"));
	assert_false(has_xattr("target", "user.old"));
	assert_false(has_xattr("target", OPAQUE));
	assert_false(has_xattr("target", "system.posix_acl_default"));
	assert_int_equal(status_of("target/a").st_size, 1);
}

/* What overlayfs notes for itself stays behind, but for an overlay inside of this one it is content. */
static void test_private_marks(void **state)
{
	static const char *const layers[] = { "new" };

	(void)state;
	enter(&xfs);
	make_folder("new");
	make_folder("new/d");
	set_xattr("new/d", "trusted.overlay.impure", "y");
	set_xattr("new/d", "trusted.overlay.origin", "x");
	set_xattr("new/d", "trusted.overlay.overlay.opaque", "y");
	set_xattr("new/d", "user.overlay.opaque", "y");
	merge_well(layers, 1);
	assert_false(has_xattr("target/d", "trusted.overlay.impure"));
	assert_false(has_xattr("target/d", "trusted.overlay.origin"));
	assert_true(has_xattr("target/d", "trusted.overlay.overlay.opaque"));
	assert_true(has_xattr("target/d", "user.overlay.opaque"));
}

static void test_user_marks(void **state)
{
	static const char *const layers[] = { "new" };

	(void)state;
	enter(&ext4);
	marks = LAYER_MARKS_USER;
	make_folder("new");
	make_folder("new/d");
	set_xattr("new/d", "user.overlay.impure", "y");
	set_xattr("new/d", "user.overlay.overlay.opaque", "y");
	set_xattr("new/d", OPAQUE, "y");
	merge_well(layers, 1);
	assert_false(has_xattr("target/d", "user.overlay.impure"));
	assert_false(has_xattr("target/d", USER_OPAQUE));
	assert_true(has_xattr("target/d", "user.overlay.overlay.opaque"));
	assert_true(has_xattr("target/d", OPAQUE));
}

/* Empty files with the mark "whiteout": the result has whiteouts that every overlay takes. */
static void test_attribute_whiteouts(void **state)
{
	static const char *const layers[] = { "new", "old" };

	(void)state;
	enter(&ext4);
	make_folder("new");
	make_folder("new/d");
	set_xattr("new/d", OPAQUE, "x");
	make_file("new/d/gone", "");
	set_xattr("new/d/gone", "trusted.overlay.whiteout", "y");
	make_folder("old");
	make_folder("old/d");
	make_file("old/d/gone", "old");
	make_file("old/d/kept", "old");
	merge_well(layers, 2);
	assert_true(S_ISCHR(status_of("target/d/gone").st_mode));
	assert_int_equal(status_of("target/d/gone").st_rdev, makedev(0, 0));
	assert_int_equal(status_of("target/d/kept").st_size, 3);
	assert_false(has_xattr("target/d", OPAQUE));
	assert_true(has_xattr("target/d", "trusted.overlay.origin"));
}

/* Below an opaque directory there is nothing to hide, and nothing is kept that hides. */
static void test_covered_whiteouts(void **state)
{
	static const char *const layers[] = { "new", "old" };

	(void)state;
	enter(&ext4);
	make_folder("new");
	make_folder("new/d");
	make_folder("new/d/e");
	make_whiteout("new/d/e/gone");
	make_whiteout("new/kept");
	make_folder("old");
	make_folder("old/d");
	make_folder("old/d/e");
	make_file("old/d/e/gone", "x");
	set_xattr("old/d", OPAQUE, "y");
	assert_int_equal(merge_well(layers, 2).entries, 3);
	assert_true(has_xattr("target/d", OPAQUE));
	assert_true(S_ISCHR(status_of("target/kept").st_mode));
	assert_int_equal(access("target/d/e/gone", F_OK), -1);
}

static void refuse_mark(const struct filesystem *filesystem, const char *path, const char *mark, const char *value)
{
	static const char *const layers[] = { "new" };
	cleanup_free char *full = text_format("new/%s", path);
	cleanup_free char *message =
		text_format("cannot merge layers: '%s' has the overlay mark '%s', which cannot be merged", path, mark);

	enter(filesystem);
	make_folder("new");
	make_folder("new/d");
	make_file("new/f", "content");
	set_xattr(full, mark, value);
	merge_badly(layers, 1, ERROR_REFUSED, message);
}

static void test_refused_marks(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct filesystem *filesystem = i ? &xfs : &ext4;

		refuse_mark(filesystem, "d", "trusted.overlay.redirect", "/elsewhere");
		refuse_mark(filesystem, "d", OPAQUE, "z");
		refuse_mark(filesystem, "d", "trusted.overlay.unheard-of", "1");
		refuse_mark(filesystem, "f", "trusted.overlay.metacopy", "");
		refuse_mark(filesystem, "f", "trusted.overlay.redirect", "g");
		refuse_mark(filesystem, "f", "trusted.overlay.whiteout", "");
	}
}

static void test_bad_paths(void **state)
{
	static const char *const layers[] = { "new", "missing" }, *const linked[] = { "linked" };
	cleanup_free char *message = text_format(
		"cannot merge layers: cannot open the directory '%s/missing': No such file or directory", ext4.root);
	cleanup_free char *link_message =
		text_format("cannot merge layers: cannot open the directory '%s/linked': Not a directory", ext4.root);

	(void)state;
	enter(&ext4);
	make_folder("new");
	assert_int_equal(symlink("new", "linked"), 0);
	merge_badly(layers, 2, ERROR_FAILED, message);
	merge_badly(linked, 1, ERROR_FAILED, link_message);
	merge_badly(layers, 0, ERROR_FAILED, "cannot merge layers: there is none");
	make_file("target/left", "over");
	merge_badly(layers, 1, ERROR_FAILED, "cannot merge layers: the target is not empty");
}

static void test_mount_inside(void **state)
{
	static const char *const layers[] = { "new" };

	(void)state;
	enter(&ext4);
	make_folder("new");
	make_folder("new/d");
	make_folder("new/d/m");
	assert_int_equal(mount("none", "new/d/m", "tmpfs", 0, NULL), 0);
	merge_badly(layers, 1, ERROR_REFUSED,
		    "cannot merge layers: in '/d/m': 'm' lies on another filesystem than the layer");
	assert_int_equal(umount2("new/d/m", UMOUNT_NOFOLLOW), 0);
}

/* Goes `levels` directories down from `root`, making them; each has a file beside the next. */
static void make_deep(const char *root, unsigned levels)
{
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < levels; i++) {
		int next, file;

		file = openat(dir, root, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_true(file >= 0);
		close(file);
		assert_int_equal(mkdirat(dir, "deep", 0755), 0);
		next = openat(dir, "deep", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		assert_true(next >= 0);
		close(dir);
		dir = next;
	}
	close(dir);
}

/* Deeper than a path can be, with fewer descriptors than levels. */
static void check_deep(const struct filesystem *filesystem)
{
	static const char *const layers[] = { "new", "old" };
	cleanup_free char *target = text_format("%s/target", filesystem->root);
	struct rlimit limit, lower;
	struct layer_merge_result result;
	struct error err = { 0 };
	int64_t bytes, entries;

	enter(filesystem);
	make_folder("new");
	make_folder("old");
	make_deep("new", 1500);
	make_deep("old", 2000);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lower = (struct rlimit){ .rlim_cur = 64, .rlim_max = limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
	result = merge_well(layers, 2);
	assert_int_equal(result.entries, 2000 + 1500 + 2000);
	layer_usage(target, &bytes, &entries, &err);
	assert_string_equal(err.message, "");
	assert_int_equal(entries, result.entries + 1);
	layer_clear(filesystem->root, &err);
	assert_string_equal(err.message, "");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_deep(void **state)
{
	(void)state;
	check_deep(&ext4);
	check_deep(&xfs);
}

static void test_full_filesystem(void **state)
{
	struct filesystem small;
	cleanup_free char *place = text_format("%s/small", folder);
	cleanup_free char *layer = text_format("%s/full", ext4.root);
	cleanup_free char *target = NULL;
	struct layer_merge_result result;
	struct error err = { 0 };

	(void)state;
	enter(&ext4);
	make_folder(layer);
	make_large("full/f", 8 << 20);
	make_folder(place);
	filesystem_mount(&small, place, "ext4", 4);
	target = text_format("%s/target", small.root);
	make_folder(target);
	assert_int_equal(layer_merge(marks, (const char *const[]){ layer }, 1, target, &result, &err), -1);
	assert_string_equal(err.message, "cannot merge layers: cannot copy 'f': No space left on device");
	filesystem_unmount(&small);
}

static int set_up(void **state)
{
	(void)state;
	mounts_work = filesystems_available();
	scratch_make(folder);
	if (mounts_work) {
		filesystem_mount(&ext4, folder, "ext4", 256);
		filesystem_mount(&xfs, folder, "xfs", 320);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (chdir("/") < 0)
		return -1;
	if (mounts_work) {
		filesystem_unmount(&ext4);
		filesystem_unmount(&xfs);
	}
	scratch_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_combinations_linked),
		cmocka_unit_test(test_combinations_cloned),
		cmocka_unit_test(test_linked),
		cmocka_unit_test(test_cloned),
		cmocka_unit_test(test_copied),
		cmocka_unit_test(test_too_many_links),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_private_marks),
		cmocka_unit_test(test_user_marks),
		cmocka_unit_test(test_attribute_whiteouts),
		cmocka_unit_test(test_covered_whiteouts),
		cmocka_unit_test(test_refused_marks),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_mount_inside),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_full_filesystem),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
