#include "view/umount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/names_set.h"
#include "ctr/snapshots.h"
#include "operation/recovery.h"
#include "workspace/keepers.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/snapshotters.h"
#include "workspace/version_label.h"

/* A view that was found, with its snapshotter. */
struct found {
	const char *folder; /* that is looked for */
	char *snapshotter, *name, *container_id;
	int32_t version;
	bool mounted;
};

static void found_release(struct found *found)
{
	free(found->snapshotter);
	free(found->name);
	free(found->container_id);
}

static int keep_found(const char *snapshotter, const struct ctr_snapshot *view, struct found *found, struct error *err)
{
	const char *owner = labels_get(&view->labels, LABEL_CONTAINER);

	found_release(found);
	found->snapshotter = strdup(snapshotter);
	found->name = strdup(view->name);
	found->container_id = strdup(owner ? owner : "");
	found->version = version_label_parse(labels_get(&view->labels, LABEL_VERSION));
	found->mounted = keepers_mounted_at(view) != NULL;
	return found->snapshotter && found->name && found->container_id ? 0 : error_memory(err);
}

/* Of several at one place (one that is mounted no more, and its successor) the one that is mounted. */
static int find_in(struct session *session, const char *snapshotter, const char *filter, struct found *found,
		   struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots views = { 0 };

	if (snapshotters_list(session, snapshotter, filter, &views, err) < 0)
		return -1;
	for (size_t i = 0; i < views.count; i++) {
		const char *at = labels_get(&views.items[i].labels, LABEL_MOUNTED_AT);

		if (at && strcmp(at, found->folder) == 0 && !found->mounted &&
		    keep_found(snapshotter, &views.items[i], found, err) < 0)
			return -1;
	}
	return 0;
}

static int find_view(struct session *session, struct found *found, struct error *err)
{
	cleanup_names_set struct names_set snapshotters = { 0 };
	cleanup_free char *filter = view_filter(NULL);

	if (!filter)
		return error_memory(err);
	if (snapshotters_of(session, &snapshotters, err) < 0)
		return -1;
	for (size_t i = 0; i < snapshotters.count; i++)
		if (find_in(session, snapshotters.items[i], filter, found, err) < 0)
			return -1;
	if (found->name)
		return 0;
	error_set(err, ERROR_NOT_FOUND, "'%s' shows no version", found->folder);
	return error_hint(err, "'wsnap list TARGET' shows what is mounted where");
}

static int unmount(struct session *session, const char *folder, struct error *err)
{
	int flags = UMOUNT_NOFOLLOW | (session->settings->force ? MNT_DETACH : 0);

	if (umount2(folder, flags) == 0)
		return 0;
	error_errno(err, ERROR_FAILED, errno, "'%s' cannot be unmounted", folder);
	return errno == EBUSY ? error_hint(err, "somebody is in it; --force takes it from the folder all the same")
			      : -1;
}

static int umount_found(struct session *session, const struct found *found, struct error *err)
{
	if (found->mounted && unmount(session, found->folder, err) < 0)
		return -1;
	return ctr_snapshot_remove(session->ctr, found->snapshotter, found->name, err);
}

static int umount_locked(struct session *session, struct found *found, struct view_result *result, struct error *err)
{
	const struct lock_request request = { .container_id = found->container_id,
					      .what = "umount",
					      .wait_s = session->settings->wait_s };
	struct lock lock;
	int done;

	if (lock_take(session, &request, &lock, err) < 0)
		return -1;
	recovery_settle_if_possible(session, found->container_id);
	done = umount_found(session, found, err);
	lock_release_to_tell(&lock);
	if (done < 0)
		return -1;
	result->version = found->version;
	result->was_mounted = found->mounted;
	result->container_id = steal_pointer(found->container_id);
	result->name = steal_pointer(found->name);
	return 0;
}

int view_umount(struct session *session, const char *folder, struct view_result *result, struct error *err)
{
	struct found found = { 0 };
	int done;

	result->folder = view_folder(folder, err);
	if (!result->folder)
		return -1;
	found.folder = result->folder;
	done = find_view(session, &found, err);
	if (done == 0)
		done = umount_locked(session, &found, result, err);
	found_release(&found);
	return done;
}
