#include "workspace/location.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "workspace/snapshotter_traits.h"

/* Paths come from containerd, which runs as root here too; still only absolute ones make sense. */
static int set_writable(struct location *location, const char *path, struct error *err)
{
	if (!path || *path != '/')
		return error_set(err, ERROR_FAILED, "containerd does not say where its files lie");
	location->writable = strdup(path);
	return location->writable ? 0 : error_memory(err);
}

static int set_maps(struct location *location, const struct ctr_mount *mount, struct error *err)
{
	const char *users = snapshotter_mount_uid_map(mount), *groups = snapshotter_mount_gid_map(mount);

	location->uid_map = users ? strdup(users) : NULL;
	location->gid_map = groups ? strdup(groups) : NULL;
	return (users && !location->uid_map) || (groups && !location->gid_map) ? error_memory(err) : 0;
}

static int set_overlay(struct location *location, const struct ctr_mount *mount, struct error *err)
{
	const char *lower = ctr_mount_option(mount, "lowerdir");

	location->marks = snapshotter_mount_marks(mount);
	if (set_maps(location, mount, err) < 0)
		return -1;
	if (lower && layer_paths_parse(lower, &location->below, err) < 0)
		return -1;
	return set_writable(location, snapshotter_mount_writable(mount), err);
}

static int set_all(struct location *location, const char *snapshotter, const struct ctr_mount *mount, struct error *err)
{
	struct snapshotter_traits traits = snapshotter_traits_of(snapshotter, mount);

	location->stacks = traits.stacks;
	location->layers_are_folders = traits.layers_are_folders;
	if (snapshotter_mount_is_overlay(mount)) {
		if (set_overlay(location, mount, err) < 0)
			return -1;
	} else if (strcmp(mount->type, "bind") == 0 && set_writable(location, mount->source, err) < 0) {
		return -1;
	}
	return snapshotter_filesystem(mount, &location->filesystem, err);
}

int location_find(struct session *session, const char *snapshotter, const char *key, struct location *location,
		  struct error *err)
{
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	const struct ctr_mount *mount;

	if (ctr_snapshot_mounts(session->ctr, snapshotter, key, &mounts, err) < 0)
		return -1;
	mount = mounts.count == 1 ? &mounts.items[0] : NULL;
	if (!mount)
		return error_set(err, ERROR_FAILED, "the snapshot '%s' has %zu mounts in place of one", key,
				 mounts.count);
	return set_all(location, snapshotter, mount, err);
}

int location_find_layers(struct session *session, const char *snapshotter, const char *name, struct layer_paths *layers,
			 struct error *err)
{
	cleanup_free char *view = text_format("%s-look-%lld", name, (long long)clock_unix_ns());
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	struct error ignored = { 0 };

	if (!view)
		return error_memory(err);
	if (ctr_snapshot_view(session->ctr, snapshotter, view, name, &mounts, err) < 0)
		return -1;
	/* No lease holds the view: if it is not removed here, containerd collects it. */
	if (ctr_snapshot_remove(session->ctr, snapshotter, view, &ignored) < 0)
		log_detail("%s", ignored.message);
	return snapshotter_mount_layers(&mounts, layers, err) < 0 ? error_wrap(err, "'%s'", name) : 0;
}

bool location_maps_ids(const struct location *location)
{
	return location->uid_map || location->gid_map;
}

const char *location_content(struct location *location, struct error *err)
{
	struct id_maps maps;

	if (!location_maps_ids(location))
		return location->writable;
	if (!location->view && id_maps_parse(location->uid_map, location->gid_map, &maps, err) == 0)
		location->view = mapped_view_open(location->writable, &maps, err);
	return location->view ? mapped_view_path(location->view) : NULL;
}

bool location_is_other(const struct location *location, const char *folder)
{
	const char *start = location->writable, *slash = start ? strrchr(start, '/') : NULL;

	/* Up to the folder of all snapshots: …/snapshots/N/fs. */
	while (slash > start && slash[-1] != '/')
		slash--;
	return location->stacks && slash && strcmp(folder, start) != 0 &&
	       strncmp(folder, start, (size_t)(slash - start)) == 0;
}

bool location_is_lost(const struct location *location)
{
	return location->stacks && location->writable && access(location->writable, F_OK) < 0 && errno == ENOENT;
}

void location_release(struct location *location)
{
	free(location->writable);
	free(location->filesystem);
	free(location->uid_map);
	free(location->gid_map);
	mapped_view_close(location->view);
	layer_paths_free(&location->below);
	*location = (struct location){ 0 };
}
