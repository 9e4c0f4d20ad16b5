/* Reading a workspace's history: versions with what containerd says of them, and its snapshots. */
#ifndef WSNAP_WORKSPACE_HISTORY_H
#define WSNAP_WORKSPACE_HISTORY_H

#include <stdint.h>

#include "ctr/snapshots.h"
#include "store/events.h"
#include "store/origin.h"
#include "store/versions.h"
#include "workspace/origin.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

/* The version that the workspace stands on: what its active snapshot was prepared from. The label
 * wsnap.stands_on of the active snapshot (a runtime snapshot name), else its parent. *runtime_name is ""
 * when it is none of ours; the caller frees. 1 known, 0 the container or snapshot is gone, -1 error. */
int history_stands_on(struct session *session, const struct target *target, char **runtime_name, struct error *err);

/* The same for a list that is good without it: a snapshotter that is not loaded is a warning and "unknown". */
int history_stands_on_shown(struct session *session, const struct target *target, char **runtime_name,
			    struct error *err);

struct history_version {
	const struct store_version *row;
	bool current; /* the workspace stands on it */
	bool present; /* containerd still has its snapshot */
};
typedef int (*history_each)(const struct history_version *version, void *context, struct error *err);
int history_versions_each(struct session *session, const struct target *target, history_each each, void *context,
			  struct error *err);

/* The row of what a VERSION says, in whichever form; ERROR_NOT_FOUND when there is none. What it stands on
 * is that of the present moment: who acts on it holds the lock. */
int history_find(struct session *session, const char *container_id, const struct version_word *version,
		 struct store_version *row, struct error *err);

/* The operation that made a version's snapshot, by its label (NULL: it has none); the caller frees. 1 the snapshot
 * is there, 0 containerd does not have it, -1 error. */
int history_operation_of(struct session *session, const struct store_version *row, char **operation_id,
			 struct error *err);

/* Who made a version, where and what for, as far as its event tells. The caller releases it. */
int history_origin_of(struct session *session, const char *container_id, int32_t version, struct origin *origin,
		      struct error *err);

/* The same of all its versions, in no particular order. */
int history_origins_each(struct session *session, const char *container_id, store_origin_each each, void *context,
			 struct error *err);

/* Its lifecycle events, oldest first. */
int history_events_each(struct session *session, const char *container_id, store_event_each each, void *context,
			struct error *err);

/* What a version's snapshot alone holds. `known` is false when containerd does not have it any more. */
struct snapshot_size {
	bool known;
	int64_t bytes;
	int64_t inodes;
};

int history_size_of(struct session *session, const struct store_version *row, struct snapshot_size *size,
		    struct error *err);

/* ERROR_NOT_FOUND for a version whose snapshot this containerd does not have, with the host that it was taken on in the
 * hint, where that is another one. Returns -1. */
int history_is_missing(struct session *session, const char *container_id, const struct store_version *row,
		       struct error *err);

struct history_snapshot {
	const struct ctr_snapshot *snapshot;
	bool managed;             /* made by wsnap */
	const char *source;       /* as recorded, "image_layer", "active", "merged" */
	const char *display_name; /* NULL: none */
	int32_t version;          /* 0: none */
};
typedef int (*history_snapshot_each)(const struct history_snapshot *snapshot, void *context, struct error *err);

/* The chain from the active snapshot down to the image's base, then our other snapshots. */
int history_snapshots_each(struct session *session, const struct target *target, history_snapshot_each each,
			   void *context, struct error *err);

#endif
