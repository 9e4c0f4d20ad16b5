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
#include "support/scratch.h"
#include "support/tree_compare.h"

#define OPAQUE "trusted.overlay.opaque"
#define USER_OPAQUE "user.overlay.opaque"

static struct filesystem ext4, xfs;
static enum layer_marks marks;

/* Folders are named by the working directory: the filesystem under test. */
static void enter(const struct filesystem *filesystem)
{
	struct error err = { 0 };

	if (!filesystems_available())
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

static void test_combinations_copied(void **state)
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

/* Files of the layers keep their names, and the result's have none but its own. */
static void test_own_files(void **state)
{
	static const char *const layers[] = { "new", "old" }, *const files[] = { "a", "b", "link" };
	struct layer_merge_result result;

	(void)state;
	enter(&ext4);
	make_folder("new");
	make_folder("old");
	make_file("new/a", "a");
	make_file("old/b", "bb");
	make_file("old/shared", "three");
	assert_int_equal(link("old/shared", "old/again"), 0);
	assert_int_equal(link("old/shared", "elsewhere"), 0);
	assert_int_equal(symlink("a", "old/link"), 0);
	result = merge_well(layers, 2);
	assert_int_equal(result.entries, 5);
	assert_int_equal(result.copied_bytes, 1 + 2 + strlen("three"));
	for (int i = 0; i < 3; i++) {
		cleanup_free char *path = text_format("target/%s", files[i]);

		assert_int_equal(status_of(path).st_nlink, 1);
	}
	assert_int_equal(status_of("target/shared").st_nlink, 2);
	assert_int_equal(status_of("target/shared").st_ino, status_of("target/again").st_ino);
	assert_int_equal(status_of("old/b").st_nlink, 1);
	assert_int_equal(status_of("old/shared").st_nlink, 3);
}

static struct layer_merge_result cost_of(const char *const *names, size_t count, struct error *err)
{
	char paths[4][PATH_MAX];
	const char *layers[4];
	struct layer_merge_result cost = { 0 };

	for (size_t i = 0; i < count; i++) {
		assert_non_null(realpath(names[i], paths[i]));
		layers[i] = paths[i];
	}
	assert_non_null(realpath("target", paths[3]));
	layer_merge_cost(marks, layers, count, paths[3], &cost, err);
	return cost;
}

static void check_cost(const struct filesystem *filesystem, uint64_t least, uint64_t most)
{
	static const char *const layers[] = { "new", "old" };
	struct layer_merge_result cost;
	struct error err = { 0 };

	enter(filesystem);
	make_folder("target");
	make_folder("new");
	make_folder("new/d");
	make_folder("old");
	make_folder("old/d");
	make_large("new/d/shown", 1 << 20);
	make_large("old/d/shown", 4 << 20); /* hidden: costs nothing */
	make_large("old/d/large", 2 << 20);
	assert_int_equal(link("old/d/large", "old/d/again"), 0);
	make_whiteout("new/gone");
	cost = cost_of(layers, 2, &err);
	assert_string_equal(err.message, "");
	assert_in_range(cost.copied_bytes, least, most);
	assert_int_equal(cost.entries, 5);
	assert_int_equal(access("target/d", F_OK), -1);
	assert_int_equal(merge_well(layers, 2).entries, cost.entries);
}

static void test_cost(void **state)
{
	static const char *const layers[] = { "new" };
	struct error err = { 0 };

	(void)state;
	check_cost(&ext4, 3 << 20, (3 << 20) + 65536);
	check_cost(&xfs, 0, 0);
	set_xattr("new/d/shown", "trusted.overlay.metacopy", "");
	cost_of(layers, 1, &err);
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void test_exchange(void **state)
{
	struct layer_identity before, after;
	struct error err = { 0 };

	(void)state;
	enter(&ext4);
	make_folder("one");
	make_folder("two");
	make_folder("one/fs");
	make_folder("two/fs");
	make_file("one/fs/a", "a");
	assert_int_equal(layer_identify("one/fs", &before), 0);
	layer_exchange("one/fs", "two/fs", &err);
	assert_string_equal(err.message, "");
	assert_int_equal(layer_identify("two/fs", &after), 0);
	assert_int_equal(before.inode, after.inode);
	assert_int_equal(status_of("two/fs/a").st_size, 1);
	assert_int_equal(access("one/fs/a", F_OK), -1);
	assert_int_equal(layer_exchange("one/fs", "two/none", &err), -1);
	assert_int_equal(layer_identify("two/none", &after), -1);
}

/* At no path is there a folder that is not the one. */
static void test_move(void **state)
{
	struct layer_identity before, after;
	struct error err = { 0 };

	(void)state;
	enter(&ext4);
	make_folder("home");
	make_folder("away");
	make_folder("home/fs");
	make_folder("away/fs");
	make_file("home/fs/a", "a");
	assert_int_equal(layer_identify("home/fs", &before), 0);
	assert_int_equal(layer_move("home/fs", "away/fs", &err), 0);
	assert_int_equal(layer_identify("away/fs", &after), 0);
	assert_int_equal(before.inode, after.inode);
	assert_int_equal(access("home/fs", F_OK), -1);
	assert_int_equal(layer_move("away/fs", "home/fs", &err), 0);
	assert_int_equal(status_of("home/fs/a").st_size, 1);
	assert_int_equal(access("away/fs", F_OK), -1);
	assert_int_equal(layer_make_folder("away/fs", &err), 0);
	assert_int_equal(layer_make_folder("away/fs", &err), 0);
	make_file("away/fs/b", "b");
	assert_int_equal(layer_move("home/fs", "away/fs", &err), -1);
	assert_string_equal(err.message, "cannot move 'home/fs' to 'away/fs': Directory not empty");
	assert_int_equal(status_of("home/fs/a").st_size, 1);
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

/* Layers on another filesystem. */
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

/* At the last byte that a path can have, its NUL included. */
static void test_long_paths(void **state)
{
	cleanup_free char *layer = text_format("%s/new", ext4.root);
	size_t left = PATH_MAX - 1 - strlen(layer);
	struct error err = { 0 };
	char name[NAME_MAX + 1] = "";
	int dir;

	(void)state;
	enter(&ext4);
	make_folder("new");
	dir = open("new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (; left > 200; left -= 101) {
		int next;

		memset(name, 'n', 100);
		assert_int_equal(mkdirat(dir, name, 0755), 0);
		next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	memset(name, 'f', left);
	name[left - 1] = '\0';
	assert_int_equal(mknodat(dir, name, S_IFREG | 0600, 0), 0);
	assert_int_equal(layer_has_long_paths(layer, &err), 0);
	name[left - 1] = 'f';
	assert_int_equal(mknodat(dir, name, S_IFREG | 0600, 0), 0);
	assert_int_equal(layer_has_long_paths(layer, &err), 1);
	assert_string_equal(err.message, "");
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
	assert_int_equal(layer_has_long_paths(target, &err), 1);
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
	cleanup_free char *place = text_format("%s/small", scratch);
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
	scratch_set_up(state);
	if (filesystems_available()) {
		filesystem_mount(&ext4, scratch, "ext4", 256);
		filesystem_mount(&xfs, scratch, "xfs", 320);
	}
	return 0;
}

static int tear_down(void **state)
{
	if (chdir("/") < 0)
		return -1;
	if (filesystems_available()) {
		filesystem_unmount(&ext4);
		filesystem_unmount(&xfs);
	}
	return scratch_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_combinations_copied),
		cmocka_unit_test(test_combinations_cloned),
		cmocka_unit_test(test_own_files),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_cloned),
		cmocka_unit_test(test_copied),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_private_marks),
		cmocka_unit_test(test_user_marks),
		cmocka_unit_test(test_attribute_whiteouts),
		cmocka_unit_test(test_covered_whiteouts),
		cmocka_unit_test(test_refused_marks),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_mount_inside),
		cmocka_unit_test(test_long_paths),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_full_filesystem),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
