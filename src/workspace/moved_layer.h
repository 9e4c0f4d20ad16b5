/*
 * A writable layer whose folder an operation moves from its snapshot, the home, into another one (operation/move.h). Both
 * say so by labels: where the record of the operation is lost, the layer is found by them.
 */
#ifndef WSNAP_WORKSPACE_MOVED_LAYER_H
#define WSNAP_WORKSPACE_MOVED_LAYER_H

#include "ctr/snapshots.h"
#include "workspace/session.h"

/* What the snapshot bears that the layer comes into: the inode of its folder, by which it is known again. */
int moved_layer_mark_receiver(int64_t inode, struct labels *labels, struct error *err);

/* Notes on the home that its layer goes into the active snapshot `receiver`. A home that is not there is no error. */
int moved_layer_mark_home(struct session *session, const char *snapshotter, const char *home, const char *receiver,
			  struct error *err);

/* Whether the layer of that active snapshot lies in another one: 1 with its name, which the caller frees, 0, -1. */
int moved_layer_find(struct session *session, const char *snapshotter, const struct ctr_snapshot *home, char **name,
		     struct error *err);

#endif
