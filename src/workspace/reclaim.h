/*
 * The space that versions give back. Which layers nothing needs any more is foreseen from the parents and
 * labels of all snapshots; containerd's own collection removes them; what is reported is what is gone then.
 */
#ifndef WSNAP_WORKSPACE_RECLAIM_H
#define WSNAP_WORKSPACE_RECLAIM_H

#include "base/names_set.h"
#include "workspace/session.h"

/* A layer that nothing would need. */
struct reclaim_layer {
	char *snapshotter;
	char *name;
	int64_t bytes; /* that it alone holds */
	bool gone;
};

struct reclaim {
	struct reclaim_layer *layers; /* per snapshotter by name */
	size_t count, capacity;
};

#define cleanup_reclaim __attribute__((cleanup(reclaim_release)))

/*
 * Adds the workspace's layers in this snapshotter that nothing would need if the snapshots named in
 * `given_up` lost their gc.root: committed ones of the workspace without that label, on which no snapshot stands
 * that stays. Layers of others never count. Changes nothing.
 */
int reclaim_foresee(struct session *session, const char *snapshotter, const char *container_id,
		    const struct names_set *given_up, struct reclaim *reclaim, struct error *err);

/* Makes containerd collect its garbage, and returns when that is done. */
int reclaim_collect(struct session *session, struct error *err);

/* Takes back the leases of collections that were interrupted. Another run's collection, if one is going on, loses
 * nothing by it but its wait. */
int reclaim_tidy(struct session *session, struct error *err);

/* Asks containerd which of the layers are gone, and sets `gone`. */
int reclaim_measure(struct session *session, struct reclaim *reclaim, struct error *err);

/* The layer of that name, or NULL when it is needed by others. */
const struct reclaim_layer *reclaim_find(const struct reclaim *reclaim, const char *name);

void reclaim_release(struct reclaim *reclaim);

#endif
