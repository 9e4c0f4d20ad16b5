/*
 * The space that versions give back. Which layers nothing needs any more is foreseen from the parents and
 * labels of all snapshots; containerd's own collection removes them; what is reported is what is gone then.
 */
#ifndef WSNAP_PRUNE_RECLAIM_H
#define WSNAP_PRUNE_RECLAIM_H

#include "base/names_set.h"
#include "workspace/session.h"

/* A layer that nothing would need. */
struct reclaim_layer {
	char *snapshotter;
	char *name;
	char *path;    /* NULL: not known */
	int64_t bytes; /* that go with it */
	bool gone;
	char *left; /* what containerd could not remove of it, though it is gone there; NULL: nothing that could be seen */
};

/* Whose layers: the container, and the snapshot that it stands on (NULL: the container is gone). */
struct reclaim_owner {
	const char *container_id;
	const char *snapshot_key;
};

struct reclaim {
	struct reclaim_layer *layers; /* per snapshotter by name */
	size_t count, capacity;
};

#define cleanup_reclaim __attribute__((cleanup(reclaim_release)))

/*
 * Adds the workspace's layers in this snapshotter that nothing would need if the snapshots named in
 * `given_up` lost their gc.root: those of the workspace without that label, on which no snapshot stands that stays.
 * Layers of others never count. Their sizes are not known yet. Changes nothing.
 */
int reclaim_foresee(struct session *session, const char *snapshotter, const struct reclaim_owner *of,
		    const struct names_set *given_up, struct reclaim *reclaim, struct error *err);

/*
 * Measures what the layers hold that nothing else shares. Where they lie is only to be seen by mounts of views, which
 * are made under a lease and removed again; snapshotters without layers on the disk tell it by themselves.
 */
int reclaim_size(struct session *session, struct reclaim *reclaim, struct error *err);

/* Makes containerd collect its garbage, and returns when that is done. */
int reclaim_collect(struct session *session, struct error *err);

/* Takes back the leases of collections that were interrupted. Another run's collection, if one is going on, loses
 * nothing by it but its wait. */
int reclaim_tidy(struct session *session, struct error *err);

/* Asks containerd which of the layers are gone, sets `gone`, and looks whether their files are: what is left does not
 * count in `bytes` any more. */
int reclaim_measure(struct session *session, struct reclaim *reclaim, struct error *err);

/* The look at one layer's files. */
int reclaim_look_after(struct reclaim_layer *layer, struct error *err);

/* The layer of that name, or NULL when it is needed by others. */
const struct reclaim_layer *reclaim_find(const struct reclaim *reclaim, const char *name);

void reclaim_release(struct reclaim *reclaim);

#endif
