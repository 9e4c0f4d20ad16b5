/*
 * All that is known here of what snapshotters can do. What can be done with layers is judged by what snapshots are mounted
 * as, so that it holds for a snapshotter that we have never heard of (a proxy plugin) too; what its mounts do not show is
 * not assumed. The rest is known of few, by their names.
 */
#ifndef WSNAP_WORKSPACE_SNAPSHOTTER_TRAITS_H
#define WSNAP_WORKSPACE_SNAPSHOTTER_TRAITS_H

#include <stdbool.h>

#include "ctr/snapshots.h"
#include "layer/layer.h"

struct snapshotter_traits {
	/* Each layer is a folder with its own changes over the folders of those below: they can be read, compared and
	 * merged one by one. */
	bool stacks;
	/* Files lie in a folder or a subvolume of a filesystem that is mounted anyway: what was written is there, also
	 * while the workspace's mount is not gone. Elsewhere (an image file, a block device) a layer is whole only
	 * once it is unmounted. */
	bool layers_are_folders;
};

/* Of the snapshot that is mounted so. */
struct snapshotter_traits snapshotter_traits_of(const char *snapshotter, const struct ctr_mount *mount);

/* Whether the mount is an overlay that names the folders of its layers. */
bool snapshotter_mount_is_overlay(const struct ctr_mount *mount);

/* Whose notes count in the layers of such a mount. */
enum layer_marks snapshotter_mount_marks(const struct ctr_mount *mount);

/* How the ids of the layers below are mapped when they are mounted (layer/id_map.h). NULL: they are not. Belong to the
 * mount. */
const char *snapshotter_mount_uid_map(const struct ctr_mount *mount);
const char *snapshotter_mount_gid_map(const struct ctr_mount *mount);

/* The folder that takes what is written to such a mount: an overlay names it, a bind is it. NULL: nothing of it is a folder
 * here. Belongs to the mount. */
const char *snapshotter_mount_writable(const struct ctr_mount *mount);

/* The folders of the layers of a committed snapshot, newest first, as the mounts of a view of it say. ERROR_FAILED where they
 * do not say. */
int snapshotter_mount_layers(const struct ctr_mounts *mounts, struct layer_paths *layers, struct error *err);

/* The one that containers get where nobody says another. */
#define SNAPSHOTTER_DEFAULT "overlayfs"

/* What is known by the name, where there is no mount to look at yet. */
struct snapshotter_known {
	const char *name;
	bool stacks;                  /* also where a first layer is bound as it is */
	bool views_show_folders;      /* a view costs nothing, and its mount shows where the layers lie */
	bool folders_are_all;         /* a layer takes what is in its folder, which can be counted without containerd */
	bool views_are_overlays;      /* a view that is mounted stands in the table of mounts with its source */
	bool leaves_unfinished_image; /* beside the folder, when a commit is cut off */
	const char
		*left_prefix; /* how a folder is called that could not be removed; NULL: it leaves none that we know */
};

/* For one that is not known so, nothing holds. */
const struct snapshotter_known *snapshotter_known(const char *snapshotter);

/*
 * A path on the filesystem that the layer lies on, for its free space and for writing it back: a folder or an image
 * file is one itself, a device is looked up among this host's mounts. NULL in `path` where there is none: the device
 * is not mounted, and all that was written to it went out with the unmount.
 */
int snapshotter_filesystem(const struct ctr_mount *mount, char **path, struct error *err);

/*
 * Whether something lies beside the writable folder that the next commit would take for the layer, made and whole:
 * erofs leaves an unfinished image there when a commit is cut off. The folder itself still holds all.
 */
bool snapshotter_has_unfinished_layer(const char *snapshotter, const char *folder);

#endif
