/* Where a snapshot's files lie on this host, as its mounts say. */
#ifndef WSNAP_WORKSPACE_LOCATION_H
#define WSNAP_WORKSPACE_LOCATION_H

#include <stdbool.h>

#include "layer/layer.h"
#include "layer/mapped_view.h"
#include "workspace/session.h"

struct location {
	bool stacks;              /* see snapshotter_traits.h: layers that can be read and merged one by one */
	bool layers_are_folders;  /* see there */
	char *writable;           /* the folder that takes the changes; NULL where the mount does not name one */
	char *filesystem;         /* a path on the filesystem that it lies on, or NULL: that is not mounted */
	enum layer_marks marks;   /* overlay: whose notes count in its layers */
	char *uid_map;            /* overlay: how containerd maps the ids of the layers below when it mounts them … */
	char *gid_map;            /* … (layer/id_map.h); NULL: it does not */
	struct mapped_view *view; /* location_content() */
	struct layer_paths below; /* overlay: the folders under it, newest first */
};

/* Of an active snapshot. */
int location_find(struct session *session, const char *snapshotter, const char *key, struct location *location,
		  struct error *err);
void location_release(struct location *location);

/* Whether the layers below are mounted with other ids than they have on the disk. */
bool location_maps_ids(const struct location *location);

/*
 * The path by which the files of the writable folder are read, compared and copied as those of a layer: the folder itself, or,
 * where containerd maps the ids of the layers below, a view of it with the ids that a layer below bears. What is done to the
 * folder itself is done to `writable`. Valid until the location is released. NULL with ERROR_REFUSED where there can be no such
 * view.
 */
const char *location_content(struct location *location, struct error *err);

/* Whether the folder, from which a process has its root, is that of another snapshot of the snapshotter. The root of one that
 * runs in a virtual machine, for one, lies elsewhere: there is nothing to compare then. */
bool location_is_other(const struct location *location, const char *folder);

/* Whether containerd has the snapshot, but its files are not there: a power cut may have taken the folder, since containerd
 * syncs its database alone, or an operation that was cut off has moved it. */
bool location_is_lost(const struct location *location);

/* The folders that the committed snapshot `name` consists of, newest first; overlayfs only. Asks by a view, which is gone
 * again: the folders stay as long as the snapshot does. */
int location_find_layers(struct session *session, const char *snapshotter, const char *name, struct layer_paths *layers,
			 struct error *err);

#define cleanup_location __attribute__((cleanup(location_release)))

#endif
