/* Where a snapshot's files lie on this host, as its mounts say. */
#ifndef WSNAP_WORKSPACE_PLACE_H
#define WSNAP_WORKSPACE_PLACE_H

#include <stdbool.h>

#include "layer/layer.h"
#include "workspace/session.h"

struct place {
	bool overlay;             /* layers that can be read and merged one by one */
	bool layers_are_folders;  /* see snapshotter_traits.h */
	char *writable;           /* the folder that takes the changes; NULL where the mount does not name one */
	char *filesystem;         /* a path on the filesystem that it lies on, or NULL: that is not mounted */
	enum layer_marks marks;   /* overlay: whose notes count in its layers */
	struct layer_paths below; /* overlay: the folders under it, newest first */
};

/* Of an active snapshot. */
int place_find(struct session *session, const char *snapshotter, const char *key, struct place *place,
	       struct error *err);
void place_release(struct place *place);

/* The folders that the committed snapshot `name` consists of, newest first; overlayfs only. Asks by a view, which is gone
 * again: the folders stay as long as the snapshot does. */
int place_find_layers(struct session *session, const char *snapshotter, const char *name, struct layer_paths *layers,
		      struct error *err);

#define cleanup_place __attribute__((cleanup(place_release)))

#endif
