/* The labels of the snapshots that an operation makes. */
#ifndef WSNAP_WORKSPACE_SNAPSHOT_LABELS_H
#define WSNAP_WORKSPACE_SNAPSHOT_LABELS_H

#include "base/labels.h"
#include "workspace/record.h"
#include "workspace/session.h"

/* Of the saved state: a version with all that its row says, kept by gc.root; of `compact`, a layer, kept by it until the
 * operation ends. */
int snapshot_labels_saved(const struct record *record, struct labels *labels, struct error *err);

/* Of a merged layer: kept by what stands on it alone. */
int snapshot_labels_merged(const struct record *record, struct labels *labels, struct error *err);

/* Of the new active snapshot. */
int snapshot_labels_active(const struct record *record, struct labels *labels, struct error *err);

/* Sees to it that a version that is relied on is kept: one of another tool's, or out of a restored containerd, may lack
 * containerd.io/gc.root, and one may be marked to be given up. Of a snapshot that is not there nothing is said. */
int snapshot_labels_keep(struct session *session, const char *snapshotter, const char *name, struct error *err);

#endif
