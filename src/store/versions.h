/* The rows of `container_versions` with their `snapshots`. */
#ifndef WSNAP_STORE_VERSIONS_H
#define WSNAP_STORE_VERSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct store_version {
	char id[ID_SIZE];
	int32_t version;
	char *runtime_name; /* the snapshot's name in containerd */
	char *display_name; /* NULL: none */
	char *parent;       /* runtime name of the snapshot below, NULL: none */
	char *snapshotter;
	char *source;
	int64_t created_ns; /* since 1970 */
};

void store_version_release(struct store_version *version);

/* A copy that owns its texts. -1: no memory, *to is as before. */
int store_version_copy(const struct store_version *from, struct store_version *to, struct error *err);

#define cleanup_store_version __attribute__((cleanup(store_version_release)))

/* Calls `each` for every version, oldest first. Pages through a server-side cursor or LIMIT, so that
 * memory does not grow with the number of rows. `each` returns -1 (with its err) to stop. The
 * value belongs to the store and is valid during the call. */
typedef int (*store_version_each)(const struct store_version *version, void *context, struct error *err);
int store_versions_each(struct store *store, const char *container_id, store_version_each each, void *context,
			struct error *err);

/* One version: by number, the newest that bears a display name, the newest at all, the newest that was made by then, or
 * by its snapshot. 1 found, 0 none, -1 error. */
int store_version_by_number(struct store *store, const char *container_id, int32_t number,
			    struct store_version *version, struct error *err);
int store_version_by_name(struct store *store, const char *container_id, const char *display_name,
			  struct store_version *version, struct error *err);
int store_version_newest(struct store *store, const char *container_id, struct store_version *version,
			 struct error *err);
int store_version_at(struct store *store, const char *container_id, int64_t unix_ns, struct store_version *version,
		     struct error *err);
int store_version_of_snapshot(struct store *store, const char *container_id, const char *runtime_name,
			      struct store_version *version, struct error *err);

/* Takes the whole history of a container away, in one transaction: every version as store_versions_delete() does, and the
 * snapshots' rows that are left. Where the tables are ours its events go as well and, with `container_gone`, its row;
 * nothing else of another server's tables does. */
int store_history_delete(struct store *store, const char *container_id, bool container_gone, const char *operation_id,
			 struct error *err);

/* The greatest number that a version of the container was ever given, as far as rows and events know; 0: none. */
int store_version_greatest(struct store *store, const char *container_id, int32_t *greatest, struct error *err);

/* Another container whose rows refer to a snapshot of that name: 1 with *other (caller frees), 0 none, -1 error. */
int store_snapshot_other(struct store *store, const char *container_id, const char *runtime_name, char **other,
			 struct error *err);

/* Takes versions away, in one transaction: row of container_versions, row of snapshots
 * when no other version refers to it, and one event `version_prune` each (payload snapshot_name and
 * runtime_snapshot_name (both the runtime name), version, version_id, display_name, source, parent (the number of the
 * version that it came from, or null), operation_id). A version that is gone already is no error. */
int store_versions_delete(struct store *store, const char *container_id, const int32_t *versions, size_t count,
			  const char *operation_id, struct error *err);

#endif
