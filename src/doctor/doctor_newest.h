/*
 * The newest state of a workspace that is on the disk, whatever kind of snapshot bears it: a version, the layer that a
 * compaction has saved, what that was merged into, or a writable layer. Pure: decided by an inventory.
 */
#ifndef WSNAP_DOCTOR_DOCTOR_NEWEST_H
#define WSNAP_DOCTOR_DOCTOR_NEWEST_H

#include "workspace/inventory.h"

struct doctor_state {
	const struct inventory_snapshot *snapshot; /* NULL: there is none */
	int32_t version;                           /* that it is the snapshot of, 0: of none that has a number */
};

/*
 * Of the container's snapshots in this snapshotter. States are compared by the numbers of versions, which a wrong clock
 * cannot turn round: a layer says how many there were when it was saved. Behind the same version the one that
 * containerd made last counts, and where a snapshot says no number that alone. `broken` is what the container stands on.
 */
struct doctor_state doctor_find_newest(const struct inventory *inventory, const char *snapshotter,
				       const char *container_id, const char *broken);

/* That snapshot as a state. */
struct doctor_state doctor_state_of(const struct inventory *inventory, const struct inventory_snapshot *snapshot);

/* Whether a merge has put this layer, as it is, into `other`: that is what stands on another merged layer of the same
 * operation. */
bool doctor_is_merge_of(const struct inventory *inventory, const struct inventory_snapshot *layer,
			const struct ctr_snapshot *other);

/* The version that a snapshot's state began with, a runtime name: its label's, else the nearest version below it. NULL:
 * none of ours. */
const char *doctor_origin_of(const struct inventory *inventory, const struct inventory_snapshot *snapshot);

#endif
