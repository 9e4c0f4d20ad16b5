/* containerd.services.snapshots.v1: layers, committed and writable. */
#ifndef WSNAP_CTR_SNAPSHOTS_H
#define WSNAP_CTR_SNAPSHOTS_H

#include <stdint.h>

#include "base/labels.h"
#include "ctr/ctr.h"
#include "ctr/mounts.h"

enum ctr_snapshot_kind { CTR_SNAPSHOT_VIEW = 1, CTR_SNAPSHOT_ACTIVE = 2, CTR_SNAPSHOT_COMMITTED = 3 };

struct ctr_snapshot {
	char *name;
	char *parent; /* "" for none */
	enum ctr_snapshot_kind kind;
	int64_t created_ns, updated_ns; /* since 1970 */
	struct labels labels;
};

void ctr_snapshot_release(struct ctr_snapshot *snapshot);

#define cleanup_ctr_snapshot __attribute__((cleanup(ctr_snapshot_release)))

struct ctr_snapshots {
	struct ctr_snapshot *items;
	size_t count;
};

void ctr_snapshots_release(struct ctr_snapshots *snapshots);

#define cleanup_ctr_snapshots __attribute__((cleanup(ctr_snapshots_release)))

/* 1: it is there; 0: it is not; -1: error. `snapshot` may be NULL. */
int ctr_snapshot_stat(struct ctr *ctr, const char *snapshotter, const char *name, struct ctr_snapshot *snapshot,
		      struct error *err);

/* All snapshots of the namespace that match the filter; NULL: all. */
int ctr_snapshot_list(struct ctr *ctr, const char *snapshotter, const char *filter, struct ctr_snapshots *snapshots,
		      struct error *err);

/* Calls `each` with the name of every snapshot that matches, as they arrive: for hosts with very many. `each`
 * returns -1 (with its err) to stop. */
typedef int (*ctr_snapshot_name_each)(const char *name, void *context, struct error *err);
int ctr_snapshot_names_each(struct ctr *ctr, const char *snapshotter, const char *filter, ctr_snapshot_name_each each,
			    void *context, struct error *err);

/* Makes a writable snapshot `key` on `parent` ("" for none). `labels` and `mounts` may be NULL. */
int ctr_snapshot_prepare(struct ctr *ctr, const char *snapshotter, const char *key, const char *parent,
			 const struct labels *labels, struct ctr_mounts *mounts, struct error *err);

/* Makes a view `key` of the committed snapshot `parent`, which is only read. */
int ctr_snapshot_view(struct ctr *ctr, const char *snapshotter, const char *key, const char *parent,
		      struct ctr_mounts *mounts, struct error *err);

/* The mounts of an active snapshot or a view. */
int ctr_snapshot_mounts(struct ctr *ctr, const char *snapshotter, const char *key, struct ctr_mounts *mounts,
			struct error *err);

/* Turns the active snapshot `key` into the committed one `name`. Overlayfs walks the layer:
 * the deadline is long (10 minutes). */
int ctr_snapshot_commit(struct ctr *ctr, const char *snapshotter, const char *name, const char *key,
			const struct labels *labels, struct error *err);

/* Removes one without children. One that is not there is no error. */
int ctr_snapshot_remove(struct ctr *ctr, const char *snapshotter, const char *name, struct error *err);

/* Sets labels in one update, which containerd makes whole or not at all; an empty value takes its label off.
 * (Snapshots.Update, mask labels.KEY.) */
int ctr_snapshot_set_labels(struct ctr *ctr, const char *snapshotter, const char *name, const struct labels *labels,
			    struct error *err);

/* The same for one label. */
int ctr_snapshot_set_label(struct ctr *ctr, const char *snapshotter, const char *name, const char *key,
			   const char *value, struct error *err);

/* Bytes and inodes that the snapshot alone holds. */
int ctr_snapshot_usage(struct ctr *ctr, const char *snapshotter, const char *name, int64_t *bytes, int64_t *inodes,
		       struct error *err);

#endif
