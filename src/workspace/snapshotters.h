/* The snapshotters that snapshots of ours can be in. */
#ifndef WSNAP_WORKSPACE_SNAPSHOTTERS_H
#define WSNAP_WORKSPACE_SNAPSHOTTERS_H

#include "base/names_set.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "workspace/session.h"

/* Adds those of the namespace's containers, and containerd's default, overlayfs. */
int snapshotters_of(struct session *session, struct names_set *names, struct error *err);

/* The same of containers that are listed already. */
int snapshotters_add(const struct ctr_containers *containers, struct names_set *names, struct error *err);

/* Whether the last call failed because this containerd has no such snapshotter; then the error is cleared. */
bool snapshotters_pass_over(struct session *session, const char *snapshotter, struct error *err);

/*
 * Stat of the snapshot that the container stands on. 1 found, 0: it is not there, or the container has none (made on a
 * plain folder), -1: an error, which names the container where its snapshotter is not loaded.
 */
int snapshotters_stat_active(struct session *session, const struct ctr_container *container,
			     struct ctr_snapshot *active, struct error *err);

/* Calls `each` for every snapshot that matches the filter, in all of snapshotters_of(). It returns -1 (with its err) to
 * stop; the value is valid during the call. */
typedef int (*snapshotters_each_one)(const struct ctr_snapshot *snapshot, void *context, struct error *err);
int snapshotters_each(struct session *session, const char *filter, snapshotters_each_one each, void *context,
		      struct error *err);

/* Lists snapshots that match the filter. 1 listed; 0: this containerd has no such snapshotter; -1 error. */
int snapshotters_list(struct session *session, const char *snapshotter, const char *filter,
		      struct ctr_snapshots *snapshots, struct error *err);

#endif
