#include "workspace/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "workspace/mapped_layers.h"
#include "workspace/snapshotter_traits.h"

#define READING (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define WRITING MOUNT_ATTR_NOSUID

static int cannot(const char *type, struct error *err)
{
	return error_errno(err, ERROR_FAILED, errno, "the snapshot cannot be mounted as '%s'", type);
}

/* A copy of the place where the files lie, which is read-only by itself. */
static int mount_bound(const char *path, struct error *err)
{
	struct mount_attr attributes = { .attr_set = READING };
	cleanup_fd int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return cannot("bind", err);
	return steal_fd(&tree);
}

static int finish(int context, const char *type, unsigned attributes, struct error *err)
{
	int tree;

	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cannot(type, err);
	tree = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	return tree >= 0 ? tree : cannot(type, err);
}

/* An option "key=value" or a word. */
static int set_option(int context, const char *option)
{
	const char *value = strchr(option, '=');
	cleanup_free char *key = value ? strndup(option, (size_t)(value - option)) : NULL;

	if (!value)
		return fsconfig(context, FSCONFIG_SET_FLAG, option, NULL, 0);
	if (!key) {
		errno = ENOMEM;
		return -1;
	}
	return fsconfig(context, FSCONFIG_SET_STRING, key, value + 1, 0);
}

/* The filesystem may be mounted for writing elsewhere: it is this mount alone that is read-only. */
static bool is_of_the_mount(const char *option)
{
	static const char *const words[] = { "ro", "rw", "rbind", "bind" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(option, words[i]) == 0)
			return true;
	return false;
}

static int mount_overlay(const struct ctr_mount *mount, const char *source, struct error *err)
{
	const char *lower = ctr_mount_option(mount, "lowerdir");
	cleanup_layer_paths struct layer_paths layers = { 0 };

	if (!lower)
		return error_set(err, ERROR_FAILED, "containerd does not say where the layers lie");
	if (layer_paths_parse(lower, &layers, err) < 0)
		return -1;
	return tree_mount_layers(&layers, snapshotter_mount_marks(mount), source, err);
}

static int mount_filesystem(const struct ctr_mount *mount, bool read_only, unsigned attributes, struct error *err)
{
	cleanup_fd int context = fsopen(mount->type, FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", mount->source, 0) < 0 ||
	    (read_only && set_option(context, "ro") < 0))
		return cannot(mount->type, err);
	for (size_t i = 0; i < mount->option_count; i++)
		if (!is_of_the_mount(mount->options[i]) && set_option(context, mount->options[i]) < 0)
			return cannot(mount->type, err);
	return finish(context, mount->type, attributes, err);
}

int tree_mount(const struct ctr_mounts *mounts, const char *source, struct error *err)
{
	const struct ctr_mount *mount = mounts->count == 1 ? &mounts->items[0] : NULL;
	int tree;

	if (!mount)
		return error_set(err, ERROR_FAILED, "the snapshot has %zu mounts in place of one", mounts->count);
	if (strcmp(mount->type, "bind") == 0)
		return mount_bound(mount->source, err);
	if (snapshotter_mount_is_overlay(mount))
		return mount_overlay(mount, source, err);
	if (ctr_mount_has_word(mount, "loop"))
		return error_set(err, ERROR_REFUSED, "its snapshots are images ('%s'), which are not looked into",
				 mount->source);
	tree = mount_filesystem(mount, false, READING, err);
	if (tree >= 0)
		return tree;
	/* A device that is read-only by itself; one that is mounted for writing elsewhere does not want to hear of it. */
	tree = mount_filesystem(mount, true, READING, err);
	if (tree >= 0)
		error_clear(err);
	return tree;
}

int tree_mount_mapped(const struct ctr_mounts *mounts, const struct id_maps *maps, const char *source,
		      struct error *err)
{
	cleanup_layer_paths struct layer_paths layers = { 0 };
	cleanup_mapped_layers struct mapped_layers mapped = { 0 };

	if (snapshotter_mount_layers(mounts, &layers, err) < 0 || mapped_layers_mount(&layers, maps, &mapped, err) < 0)
		return -1;
	return tree_mount_layers(&mapped.paths, snapshotter_mount_marks(&mounts->items[0]), source, err);
}

/* One by one, as kernels since 6.5 take them. */
static int add_layers(int context, const struct layer_paths *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", layers->items[i], 0) < 0)
			return -1;
	return 0;
}

/* The layers as one option, each ':' and '\\' and ',' in a path escaped (filesystems/overlayfs). */
static int add_joined(const struct layer_paths *layers, struct text *options)
{
	for (size_t i = 0; i < layers->count; i++) {
		text_add(options, i ? ":" : "lowerdir=");
		for (const char *at = layers->items[i]; *at; at++)
			text_printf(options, "%s%c", strchr(":\\,", *at) ? "\\" : "", *at);
	}
	return options->failed ? -1 : 0;
}

/* Taken from where it was mounted for that: nothing is seen of it but the tree that comes back. */
static int take_tree(const char *folder, struct error *err)
{
	int tree = open_tree(AT_FDCWD, folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int result = tree >= 0 ? tree : cannot("overlay", err);

	umount2(folder, MNT_DETACH);
	return result;
}

int tree_mount_joined(const struct layer_paths *layers, enum layer_marks marks, const char *source, struct error *err)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
	char folder[] = "/tmp/wsnap-view-XXXXXX";
	cleanup_text struct text options = { 0 };
	int tree;

	text_add(&options, marks == LAYER_MARKS_USER ? "userxattr," : "index=off,");
	if (add_joined(layers, &options) < 0)
		return error_memory(err);
	if (options.length >= (size_t)sysconf(_SC_PAGESIZE))
		return error_set(err, ERROR_FAILED, "this kernel cannot mount so many layers (Linux 6.5 can)");
	if (!mkdtemp(folder))
		return error_errno(err, ERROR_FAILED, errno, "a folder for a mount cannot be made");
	tree = mount(source, folder, "overlay", flags, options.data) < 0 ? cannot("overlay", err)
									 : take_tree(folder, err);
	rmdir(folder);
	return tree;
}

int tree_mount_layers(const struct layer_paths *layers, enum layer_marks marks, const char *source, struct error *err)
{
	/* The writable layer of a running workspace may be among them; what a kernel does not know, its layers do not have. */
	static const char *const reading[] = { "index=off", "redirect_dir=follow", "metacopy=on" };
	cleanup_fd int context = -1;

	if (layers->count == 1)
		return mount_bound(layers->items[0], err);
	context = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    (marks == LAYER_MARKS_USER && set_option(context, "userxattr") < 0))
		return cannot("overlay", err);
	for (size_t i = 0; i < sizeof(reading) / sizeof(*reading) && marks == LAYER_MARKS_TRUSTED; i++)
		set_option(context, reading[i]);
	if (add_layers(context, layers) < 0)
		return errno == EINVAL ? tree_mount_joined(layers, marks, source, err) : cannot("overlay", err);
	return finish(context, "overlay", READING, err);
}

/* An option of the overlay itself: neither of the mount, nor its layers, which are given on their own, nor containerd's. */
static bool is_of_the_overlay(const char *option)
{
	return !is_of_the_mount(option) && !text_starts_with(option, "lowerdir=") &&
	       !text_starts_with(option, "uidmap=") && !text_starts_with(option, "gidmap=");
}

static int set_writable_options(int context, const struct ctr_mount *mount)
{
	for (size_t i = 0; i < mount->option_count; i++)
		if (is_of_the_overlay(mount->options[i]) && set_option(context, mount->options[i]) < 0)
			return -1;
	return 0;
}

/* By mount(2), with one page of options: for kernels before 6.5. */
static int mount_writable_joined(const struct ctr_mount *at, const struct layer_paths *layers, struct error *err)
{
	char folder[] = "/tmp/wsnap-view-XXXXXX";
	cleanup_text struct text options = { 0 };
	int tree;

	if (add_joined(layers, &options) < 0)
		return error_memory(err);
	for (size_t i = 0; i < at->option_count; i++)
		if (is_of_the_overlay(at->options[i]))
			text_printf(&options, ",%s", at->options[i]);
	if (options.failed)
		return error_memory(err);
	if (options.length >= (size_t)sysconf(_SC_PAGESIZE))
		return error_set(err, ERROR_FAILED, "this kernel cannot mount so many layers (Linux 6.5 can)");
	if (!mkdtemp(folder))
		return error_errno(err, ERROR_FAILED, errno, "a folder for a mount cannot be made");
	tree = mount(at->source, folder, "overlay", MS_NOSUID, options.data) < 0 ? cannot("overlay", err)
										 : take_tree(folder, err);
	rmdir(folder);
	return tree;
}

static int mount_writable_layers(const struct ctr_mount *mount, const struct layer_paths *layers, struct error *err)
{
	cleanup_fd int context = fsopen("overlay", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", mount->source, 0) < 0)
		return cannot("overlay", err);
	if (add_layers(context, layers) < 0)
		return errno == EINVAL ? mount_writable_joined(mount, layers, err) : cannot("overlay", err);
	if (set_writable_options(context, mount) < 0)
		return cannot("overlay", err);
	return finish(context, "overlay", WRITING, err);
}

static int mount_writable_overlay(const struct ctr_mount *mount, struct error *err)
{
	const char *lower = ctr_mount_option(mount, "lowerdir");
	const char *users = snapshotter_mount_uid_map(mount), *groups = snapshotter_mount_gid_map(mount);
	cleanup_layer_paths struct layer_paths layers = { 0 };
	cleanup_mapped_layers struct mapped_layers mapped = { 0 };
	struct id_maps maps;

	if (!lower)
		return error_set(err, ERROR_FAILED, "containerd does not say where the layers lie");
	if (layer_paths_parse(lower, &layers, err) < 0)
		return -1;
	if (!users && !groups)
		return mount_writable_layers(mount, &layers, err);
	if (id_maps_parse(users, groups, &maps, err) < 0 || mapped_layers_mount(&layers, &maps, &mapped, err) < 0)
		return -1;
	return mount_writable_layers(mount, &mapped.paths, err);
}

int tree_mount_writable(const struct ctr_mounts *mounts, struct error *err)
{
	const struct ctr_mount *mount = mounts->count == 1 ? &mounts->items[0] : NULL;
	int tree;

	if (!mount)
		return error_set(err, ERROR_FAILED, "the snapshot has %zu mounts in place of one", mounts->count);
	if (snapshotter_mount_is_overlay(mount))
		return mount_writable_overlay(mount, err);
	if (ctr_mount_option(mount, "subvolid"))
		return mount_filesystem(mount, false, WRITING, err);
	if (strcmp(mount->type, "bind") != 0)
		return error_set(err, ERROR_REFUSED, "files of a workspace that does not run are not changed on '%s'",
				 mount->type);
	tree = open_tree(AT_FDCWD, mount->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return tree >= 0 ? tree : cannot("bind", err);
}

int tree_attach(int tree, const char *folder, struct error *err)
{
	if (move_mount(tree, "", AT_FDCWD, folder, MOVE_MOUNT_F_EMPTY_PATH) == 0)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "nothing can be mounted on '%s'", folder);
}
