#include "workspace/place.h"

#include <stdlib.h>
#include <string.h>

#include "ctr/snapshots.h"

/* Paths come from containerd, which runs as root here too; still only absolute ones make sense. */
static int set_writable(struct place *place, const char *path, struct error *err)
{
	if (!path || *path != '/')
		return error_set(err, ERROR_FAILED, "containerd does not say where its files lie");
	place->writable = strdup(path);
	return place->writable ? 0 : error_memory(err);
}

int place_find(struct session *session, const char *snapshotter, const char *key, struct place *place,
	       struct error *err)
{
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	const struct ctr_mount *mount;
	const char *lower;

	if (ctr_snapshot_mounts(session->ctr, snapshotter, key, &mounts, err) < 0)
		return -1;
	mount = mounts.count == 1 ? &mounts.items[0] : NULL;
	if (!mount)
		return error_set(err, ERROR_FAILED, "the snapshot '%s' has %zu mounts in place of one", key,
				 mounts.count);
	/* The overlayfs snapshotter binds a first layer as it is. */
	place->overlay = strcmp(snapshotter, "overlayfs") == 0 || strcmp(mount->type, "overlay") == 0;
	if (strcmp(mount->type, "overlay") != 0)
		return set_writable(place, mount->source, err);
	lower = ctr_mount_option(mount, "lowerdir");
	if (lower && layer_paths_parse(lower, &place->below, err) < 0)
		return -1;
	return set_writable(place, ctr_mount_option(mount, "upperdir"), err);
}

void place_release(struct place *place)
{
	free(place->writable);
	layer_paths_free(&place->below);
	*place = (struct place){ 0 };
}
