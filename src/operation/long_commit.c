#include "operation/long_commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/mount_table.h"

#define COVER "wsnap"

/* A mount that somebody else has put there is his. */
static bool is_cover_in(const struct mount_entry *entry, const void *folder)
{
	return strcmp(entry->source, COVER) == 0 && text_starts_with(entry->point, folder);
}

static void uncover(const char *folder)
{
	cleanup_free char *real = realpath(folder, NULL);
	cleanup_free char *inside = real ? text_format("%s/", real) : NULL;

	for (;;) {
		cleanup_free char *point = NULL;

		if (!inside || mount_table_find(is_cover_in, inside, &point) <= 0)
			return;
		if (umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
			log_warning("'%s' cannot be unmounted: %s", point, strerror(errno));
			return;
		}
	}
}

static int cover_entry(const char *folder, const char *name, struct error *err)
{
	cleanup_free char *path = text_format("%s/%s", folder, name);
	int is_long = path ? layer_has_long_paths(path, err) : error_memory(err);

	if (is_long <= 0)
		return is_long;
	if (mount(COVER, path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=700") < 0)
		return error_errno(err, ERROR_FAILED, errno, "nothing can be mounted on '%s'", path);
	return 0;
}

static int cover(const char *folder, struct error *err)
{
	cleanup_dir DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the folder '%s'", folder);
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    cover_entry(folder, entry->d_name, err) < 0)
			return -1;
	return 0;
}

static int commit_covered(struct run *run, const char *name, const char *key, const char *folder,
			  const struct labels *labels, struct error *err)
{
	int done = cover(folder, err);

	log_detail("containerd cannot measure a tree this deep: something empty is mounted over it meanwhile");
	if (done == 0)
		done = ctr_snapshot_commit(run->session->ctr, run->record->snapshotter, name, key, labels, err);
	uncover(folder);
	return done;
}

int long_commit(struct run *run, const char *name, const char *key, const char *folder, const struct labels *labels,
		struct error *err)
{
	struct error unknown = { 0 }, covered = { 0 };

	if (ctr_snapshot_commit(run->session->ctr, run->record->snapshotter, name, key, labels, err) == 0)
		return 0;
	if (err->kind == ERROR_CONTAINERD || layer_has_long_paths(folder, &unknown) != 1)
		return -1;
	if (commit_covered(run, name, key, folder, labels, &covered) == 0) {
		error_clear(err);
		return 0;
	}
	log_detail("%s", covered.message);
	if (covered.kind == ERROR_CONTAINERD)
		*err = covered;
	return -1;
}

/* --- after a crash -------------------------------------------------------------------------------------------- */

static void uncover_snapshot(struct run *run, const char *name)
{
	cleanup_layer_paths struct layer_paths layers = { 0 };
	cleanup_location struct location location = { 0 };
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	const char *snapshotter = run->record->snapshotter;
	struct error ignored = { 0 };

	if (!name || ctr_snapshot_stat(run->session->ctr, snapshotter, name, &snapshot, &ignored) <= 0)
		return;
	if (snapshot.kind == CTR_SNAPSHOT_COMMITTED) {
		if (location_find_layers(run->session, snapshotter, name, &layers, &ignored) == 0 && layers.count > 0)
			uncover(layers.items[0]);
	} else if (location_find(run->session, snapshotter, name, &location, &ignored) == 0 && location.writable) {
		uncover(location.writable);
	}
}

void long_commit_tidy(struct run *run)
{
	const struct record *record = run->record;
	cleanup_free char *work = record->live_merged ? text_format("%s" SNAPSHOT_WORK, record->live_merged) : NULL;
	const char *const names[] = { record->filling, record->saved, record->live_merged, work };

	if (!mount_table_has_sources(COVER))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		uncover_snapshot(run, names[i]);
}
