/*
 * What can be done with the layers of a snapshotter. It is judged by what its snapshots are mounted as, so that it
 * holds for one that we have never heard of (a proxy plugin) too; what its mounts do not show is not assumed.
 */
#ifndef WSNAP_WORKSPACE_SNAPSHOTTER_TRAITS_H
#define WSNAP_WORKSPACE_SNAPSHOTTER_TRAITS_H

#include <stdbool.h>

#include "ctr/snapshots.h"

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
