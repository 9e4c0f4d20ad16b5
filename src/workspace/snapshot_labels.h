/* The labels of the snapshots that an operation makes. */
#ifndef WSNAP_WORKSPACE_SNAPSHOT_LABELS_H
#define WSNAP_WORKSPACE_SNAPSHOT_LABELS_H

#include "base/labels.h"
#include "ctr/snapshots.h"
#include "workspace/record.h"
#include "workspace/session.h"

/* Of the saved state: a version with all that its row says, kept by gc.root; of `compact`, a layer, kept by it until the
 * operation ends. */
int snapshot_labels_saved(const struct record *record, struct labels *labels, struct error *err);

/* Of a merged layer: kept by what stands on it alone. */
int snapshot_labels_merged(const struct record *record, struct labels *labels, struct error *err);

/* Of the snapshot in which a live version is gathered. */
int snapshot_labels_filling(const struct record *record, struct labels *labels, struct error *err);

/* Of one whose content nobody has elsewhere once it is whole: those of the version that it becomes. It needs no lease. */
int snapshot_labels_saving(const struct record *record, struct labels *labels, struct error *err);

/* Of the new active snapshot. */
int snapshot_labels_active(const struct record *record, struct labels *labels, struct error *err);

/* The snapshot whose tree a merged layer shows, as its label says; "" where it does not, or is none. */
const char *snapshot_labels_shows(const struct ctr_snapshot *snapshot);

/*
 * Labels of the active snapshot that are others': a quota, how ids are mapped, what steers a snapshotter. The next active
 * snapshot needs them as well. Adds them to `kept`, those aside that are ours, that hold for the collection of this one
 * snapshot, or that ask for a layer when a snapshot is made (containerd.io/snapshot.ref).
 */
int snapshot_labels_of_others(const struct ctr_snapshot *active, struct labels *kept, struct error *err);

/* The same, as a version remembers them, for where the active snapshot is lost. */
int snapshot_labels_remembered(const struct ctr_snapshot *version, struct labels *kept, struct error *err);

/* Whether the workspace's snapshot is kept by what stands on it, or by a lease, alone: it lacks containerd.io/gc.root. Of one
 * without our labels another tool may have a way of its own to keep it: that is none. */
bool snapshot_labels_lack_root(const struct labels *labels, const char *container_id);

/* Sees to it that a version that is relied on is kept: one of another tool's, or out of a restored containerd, may lack
 * containerd.io/gc.root, and one may be marked to be given up. Of a snapshot that is not there nothing is said. */
int snapshot_labels_keep(struct session *session, const char *snapshotter, const char *name, struct error *err);

#endif
