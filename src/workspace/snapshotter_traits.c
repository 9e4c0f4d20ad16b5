#include "workspace/snapshotter_traits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "workspace/mount_table.h"

#define OVERLAY "overlay"

struct kind {
	const char *mount_type;
	struct snapshotter_traits traits;
};

/* A type that is not here is a filesystem inside of a file or a device: nothing is known of its layers. */
static const struct kind kinds[] = {
	{ OVERLAY, { .stacks = true, .layers_are_folders = true } },
	{ "bind", { .layers_are_folders = true } },
	{ "btrfs", { .layers_are_folders = true } },
};

static const struct snapshotter_known known[] = {
	{ .name = SNAPSHOTTER_DEFAULT,
	  .stacks = true,
	  .views_show_folders = true,
	  .folders_are_all = true,
	  .views_are_overlays = true },
	{ .name = "erofs", .stacks = true, .leaves_unfinished_image = true },
	/* (snapshots/native/native.go, Remove) */
	{ .name = "native", .views_show_folders = true, .left_prefix = "rm-" },
};

const struct snapshotter_known *snapshotter_known(const char *snapshotter)
{
	static const struct snapshotter_known nothing = { .name = "" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(snapshotter, known[i].name) == 0)
			return &known[i];
	return &nothing;
}

bool snapshotter_mount_is_overlay(const struct ctr_mount *mount)
{
	return strcmp(mount->type, OVERLAY) == 0;
}

struct snapshotter_traits snapshotter_traits_of(const char *snapshotter, const struct ctr_mount *mount)
{
	struct snapshotter_traits traits = { 0 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(mount->type, kinds[i].mount_type) == 0)
			traits = kinds[i].traits;
	if (traits.layers_are_folders && snapshotter_known(snapshotter)->stacks)
		traits.stacks = true;
	return traits;
}

enum layer_marks snapshotter_mount_marks(const struct ctr_mount *mount)
{
	return ctr_mount_has_word(mount, "userxattr") ? LAYER_MARKS_USER : LAYER_MARKS_TRUSTED;
}

const char *snapshotter_mount_uid_map(const struct ctr_mount *mount)
{
	return ctr_mount_option(mount, "uidmap");
}

const char *snapshotter_mount_gid_map(const struct ctr_mount *mount)
{
	return ctr_mount_option(mount, "gidmap");
}

const char *snapshotter_mount_writable(const struct ctr_mount *mount)
{
	if (snapshotter_mount_is_overlay(mount))
		return ctr_mount_option(mount, "upperdir");
	return strcmp(mount->type, "bind") == 0 ? mount->source : NULL;
}

/* A view of one layer is that folder itself, bound. */
static int one_layer(const char *folder, struct layer_paths *layers, struct error *err)
{
	layers->items = calloc(1, sizeof(*layers->items));
	if (!layers->items)
		return error_memory(err);
	layers->items[0] = strdup(folder);
	layers->count = layers->items[0] ? 1 : 0;
	return layers->count ? 0 : error_memory(err);
}

int snapshotter_mount_layers(const struct ctr_mounts *mounts, struct layer_paths *layers, struct error *err)
{
	const struct ctr_mount *mount = mounts->count == 1 ? &mounts->items[0] : NULL;
	const char *lower = mount ? ctr_mount_option(mount, "lowerdir") : NULL;

	if (lower)
		return layer_paths_parse(lower, layers, err);
	if (mount && strcmp(mount->type, "bind") == 0)
		return one_layer(mount->source, layers, err);
	return error_set(err, ERROR_FAILED, "containerd does not say where the layers lie");
}

bool snapshotter_has_unfinished_layer(const char *snapshotter, const char *folder)
{
	cleanup_free char *image = NULL;

	if (!snapshotter_known(snapshotter)->leaves_unfinished_image)
		return false;
	image = text_format("%s/../layer.erofs", folder);
	return !image || access(image, F_OK) == 0;
}

/* Of this type and source, and it leads there from here: another mount may lie over it. */
static bool is_reachable(const struct mount_entry *entry, const void *context)
{
	const struct ctr_mount *mount = context;
	struct stat status;

	return strcmp(entry->type, mount->type) == 0 && strcmp(entry->source, mount->source) == 0 &&
	       stat(entry->point, &status) == 0 && S_ISDIR(status.st_mode);
}

static int find_mounted(const struct ctr_mount *mount, char **path, struct error *err)
{
	if (mount_table_find(is_reachable, mount, path) >= 0)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "the table of mounts cannot be read");
}

int snapshotter_filesystem(const struct ctr_mount *mount, char **path, struct error *err)
{
	const char *writable =
		snapshotter_mount_is_overlay(mount) ? ctr_mount_option(mount, "upperdir") : mount->source;
	struct stat status;

	*path = NULL;
	if (!writable)
		return 0;
	if (*writable != '/' || (stat(writable, &status) == 0 && S_ISBLK(status.st_mode)))
		return find_mounted(mount, path, err);
	*path = strdup(writable);
	return *path ? 0 : error_memory(err);
}
