/* What a snapshot's mount says of its snapshotter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "support/scratch.h"
#include "workspace/snapshotter_traits.h"

/* Mounts as the snapshotters of containerd 1.6 to 2.1, and of the usual plugins, give them. */
static const struct {
	const char *snapshotter, *type;
	bool stacks, layers_are_folders;
} known[] = {
	{ "overlayfs", "overlay", true, true },
	{ "overlayfs", "bind", true, true },
	{ "erofs", "overlay", true, true },
	{ "erofs", "bind", true, true },
	{ "stargz", "overlay", true, true },
	{ "native", "bind", false, true },
	{ "btrfs", "btrfs", false, true },
	{ "blockfile", "ext4", false, false },
	{ "blockfile", "xfs", false, false },
	{ "devmapper", "ext4", false, false },
	{ "zfs", "zfs", false, false },
	{ "fuse-overlayfs", "fuse3.fuse-overlayfs", false, false },
	{ "unheard-of", "unheard-of", false, false },
};

static struct ctr_mount mount_of(const char *type, const char *source)
{
	return (struct ctr_mount){ .type = strdup(type), .source = strdup(source) };
}

static void mount_free(struct ctr_mount *mount)
{
	free(mount->type);
	free(mount->source);
}

static void each_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct ctr_mount mount = mount_of(known[i].type, "/source");
		struct snapshotter_traits traits = snapshotter_traits_of(known[i].snapshotter, &mount);

		mount_free(&mount);
		if (traits.stacks != known[i].stacks || traits.layers_are_folders != known[i].layers_are_folders)
			fail_msg("%s, mounted as %s: stacks %d, folders %d", known[i].snapshotter, known[i].type,
				 traits.stacks, traits.layers_are_folders);
	}
}

/* The path that is found for such a mount, or NULL. */
static char *filesystem_of(const char *type, const char *source)
{
	struct ctr_mount mount = mount_of(type, source);
	struct error err = { 0 };
	char *path = NULL;

	assert_int_equal(snapshotter_filesystem(&mount, &path, &err), 0);
	assert_int_equal(err.kind, ERROR_NONE);
	mount_free(&mount);
	return path;
}

static void folders_and_image_files_are_their_own(void **state)
{
	char *path = filesystem_of("bind", "/etc");

	(void)state;
	assert_string_equal(path, "/etc");
	free(path);
	path = filesystem_of("ext4", "/etc/passwd");
	assert_string_equal(path, "/etc/passwd");
	free(path);
}

/* A source that is no path, as that of zfs, and one that is a device are looked up. */
static void what_is_mounted_is_found(void **state)
{
	char *path = filesystem_of("proc", "proc");
	struct stat found, proc;

	(void)state;
	assert_non_null(path);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(stat("/proc", &proc), 0);
	assert_true(found.st_dev == proc.st_dev);
	free(path);
}

static void what_is_not_mounted_has_no_path(void **state)
{
	(void)state;
	assert_null(filesystem_of("zfs", "pool/nowhere"));
	assert_null(filesystem_of("proc", "another"));
	assert_null(filesystem_of("another", "proc"));
}

static void an_unfinished_image_is_seen(void **state)
{
	cleanup_free char *fs = text_format("%s/fs", scratch), *image = text_format("%s/layer.erofs", scratch);
	FILE *file;

	(void)state;
	assert_int_equal(mkdir(fs, 0700), 0);
	assert_false(snapshotter_has_unfinished_layer("erofs", fs));
	file = fopen(image, "we");
	assert_non_null(file);
	fclose(file);
	assert_true(snapshotter_has_unfinished_layer("erofs", fs));
	assert_false(snapshotter_has_unfinished_layer("overlayfs", fs));
}

static const char *const upper_and_lower[] = { "upperdir=/s/3/fs", "workdir=/s/3/work", "lowerdir=/s/2/fs:/s/1/fs" };
static const char *const lower[] = { "lowerdir=/s/2/fs:/s/1/fs", "userxattr" };

static void a_mount_says_where_its_files_lie(void **state)
{
	static const struct {
		const char *type, *source;
		const char *const *options;
		size_t option_count;
		const char *writable, *newest, *oldest; /* NULL: it does not say */
		enum layer_marks marks;
	} cases[] = {
		{ "overlay", "overlay", upper_and_lower, 3, "/s/3/fs", "/s/2/fs", "/s/1/fs", LAYER_MARKS_TRUSTED },
		{ "overlay", "overlay", lower, 2, NULL, "/s/2/fs", "/s/1/fs", LAYER_MARKS_USER },
		{ "bind", "/s/1/f:s", NULL, 0, "/s/1/f:s", "/s/1/f:s", "/s/1/f:s", LAYER_MARKS_TRUSTED },
		{ "ext4", "/dev/mapper/1", NULL, 0, NULL, NULL, NULL, LAYER_MARKS_TRUSTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ctr_mount mount = mount_of(cases[i].type, cases[i].source);
		const struct ctr_mounts mounts = { .items = &mount, .count = 1 };
		struct layer_paths layers = { 0 };
		struct error err = { 0 };
		const char *writable;

		mount.options = (char **)(uintptr_t)cases[i].options;
		mount.option_count = cases[i].option_count;
		writable = snapshotter_mount_writable(&mount);
		assert_true(cases[i].writable ? writable && strcmp(writable, cases[i].writable) == 0 : !writable);
		assert_int_equal(snapshotter_mount_marks(&mount), cases[i].marks);
		assert_int_equal(snapshotter_mount_layers(&mounts, &layers, &err), cases[i].newest ? 0 : -1);
		if (cases[i].newest) {
			assert_string_equal(layers.items[0], cases[i].newest);
			assert_string_equal(layers.items[layers.count - 1], cases[i].oldest);
		} else {
			assert_string_equal(err.message, "containerd does not say where the layers lie");
		}
		layer_paths_free(&layers);
		mount_free(&mount);
	}
}

/* What is known by name alone, before there is a mount to look at. Of others nothing is assumed. */
static void few_are_known_by_name(void **state)
{
	static const struct snapshotter_known wanted[] = {
		{ .name = "overlayfs",
		  .stacks = true,
		  .views_show_folders = true,
		  .folders_are_all = true,
		  .views_are_overlays = true },
		{ .name = "erofs", .stacks = true, .leaves_unfinished_image = true },
		{ .name = "native", .views_show_folders = true, .left_prefix = "rm-" },
		{ .name = "stargz" },
		{ .name = "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		const struct snapshotter_known *found = snapshotter_known(wanted[i].name);

		assert_int_equal(found->stacks, wanted[i].stacks);
		assert_int_equal(found->views_show_folders, wanted[i].views_show_folders);
		assert_int_equal(found->folders_are_all, wanted[i].folders_are_all);
		assert_int_equal(found->views_are_overlays, wanted[i].views_are_overlays);
		assert_int_equal(found->leaves_unfinished_image, wanted[i].leaves_unfinished_image);
		assert_int_equal(found->left_prefix != NULL, wanted[i].left_prefix != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(folders_and_image_files_are_their_own),
		cmocka_unit_test(what_is_mounted_is_found),
		cmocka_unit_test(what_is_not_mounted_has_no_path),
		cmocka_unit_test_setup_teardown(an_unfinished_image_is_seen, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(a_mount_says_where_its_files_lie),
		cmocka_unit_test(few_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
