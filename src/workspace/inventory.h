/*
 * What there is of one workspace: its rows beside the snapshots that they promise, and the snapshots that bear its
 * label. Retention decides by it, doctor compares by it.
 */
#ifndef WSNAP_WORKSPACE_INVENTORY_H
#define WSNAP_WORKSPACE_INVENTORY_H

#include "base/names_set.h"
#include "ctr/snapshots.h"
#include "store/versions.h"
#include "workspace/target.h"

struct inventory_snapshot {
	char *snapshotter;
	struct ctr_snapshot info;
};

struct inventory_version {
	struct store_version row;                  /* a copy */
	const struct inventory_snapshot *snapshot; /* NULL: containerd has none of that name, or it is another's */
	const char *owner;                         /* whose it is then, by its label; NULL: there is none */
	bool elsewhere;   /* its snapshotter is none of this containerd's: what became of it cannot be told here */
	bool newest;      /* of those whose snapshots are there; of all where none is */
	bool current;     /* the workspace stands on it */
	char *mounted_at; /* a folder of this host that shows it; NULL: none does */
	int guard;        /* the process of a guard that may have to go back to it, 0: none */
};

struct inventory {
	struct inventory_version *versions; /* by number */
	size_t version_count, version_capacity;
	struct inventory_snapshot *snapshots; /* by name */
	size_t snapshot_count, snapshot_capacity;
	struct names_set snapshotters; /* of the container and of the rows, as far as this containerd has them */
};

#define cleanup_inventory __attribute__((cleanup(inventory_release)))

/* Reads it. The target's container may be gone; then no version is current. */
int inventory_read(struct session *session, const struct target *target, struct inventory *inventory,
		   struct error *err);
void inventory_release(struct inventory *inventory);

/* The snapshot of that name, or NULL. */
const struct inventory_snapshot *inventory_find(const struct inventory *inventory, const char *snapshotter,
						const char *name);

/* The greatest number of a version that a snapshot's label says, 0: none does. */
int32_t inventory_greatest_label(const struct inventory *inventory);

/* Whether a version refers to the snapshot of that name. */
bool inventory_is_recorded(const struct inventory *inventory, const char *name);

#endif
