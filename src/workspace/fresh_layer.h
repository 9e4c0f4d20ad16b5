/*
 * New writable layers. containerd makes the root of one anew, with the mode 0755 and no attributes, and what is there is what
 * the workspace sees of its root: so it is given the metadata that the root has in the layer below.
 */
#ifndef WSNAP_WORKSPACE_FRESH_LAYER_H
#define WSNAP_WORKSPACE_FRESH_LAYER_H

#include "base/labels.h"
#include "workspace/session.h"

/* An active snapshot on `parent`, as ctr_snapshot_prepare() makes it. Where its root cannot be made what it is below, a warning
 * says so. */
int fresh_layer_prepare(struct session *session, const char *snapshotter, const char *key, const char *parent,
			const struct labels *labels, struct error *err);

/* Its root alone, of one that an earlier run has made and nothing has used yet. */
int fresh_layer_take_root(struct session *session, const char *snapshotter, const char *key, struct error *err);

#endif
