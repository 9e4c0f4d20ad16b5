#include "workspace/fresh_layer.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "workspace/snapshotter_traits.h"

/* Elsewhere a new layer is a copy of the one below, or bears other ids than that one. */
static bool has_root_of_its_own(const struct ctr_mounts *mounts)
{
	const struct ctr_mount *mount = mounts->count == 1 ? &mounts->items[0] : NULL;

	return mount && snapshotter_mount_is_overlay(mount) && ctr_mount_option(mount, "upperdir") &&
	       ctr_mount_option(mount, "lowerdir") && !snapshotter_mount_uid_map(mount) &&
	       !snapshotter_mount_gid_map(mount);
}

static void take_root(const struct ctr_mounts *mounts, const char *key)
{
	cleanup_layer_paths struct layer_paths below = { 0 };
	struct error failure = { 0 };

	if (!has_root_of_its_own(mounts))
		return;
	if (snapshotter_mount_layers(mounts, &below, &failure) < 0 || below.count == 0) {
		log_detail("%s", failure.message);
		return;
	}
	/* What erofs calls its layers are no folders. */
	if (access(below.items[0], F_OK) < 0)
		return;
	if (layer_copy_root(snapshotter_mount_marks(&mounts->items[0]), below.items[0],
			    snapshotter_mount_writable(&mounts->items[0]), &failure) < 0)
		log_warning("the root folder of '%s' is not all that it was before: %s", key, failure.message);
}

int fresh_layer_prepare(struct session *session, const char *snapshotter, const char *key, const char *parent,
			const struct labels *labels, struct error *err)
{
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };

	if (ctr_snapshot_prepare(session->ctr, snapshotter, key, parent, labels, &mounts, err) < 0)
		return -1;
	take_root(&mounts, key);
	return 0;
}

int fresh_layer_take_root(struct session *session, const char *snapshotter, const char *key, struct error *err)
{
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };

	if (ctr_snapshot_mounts(session->ctr, snapshotter, key, &mounts, err) < 0)
		return -1;
	take_root(&mounts, key);
	return 0;
}
