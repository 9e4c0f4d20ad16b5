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

/* What a view has to do with a folder: the more, the greater. */
enum fit {
	FIT_NONE,
	FIT_GONE,    /* it was mounted there, and is nowhere any more */
	FIT_COVERED, /* it is mounted there, beneath another mount or for other processes alone */
	FIT_SEEN,    /* it is what is seen there */
};

/* A view that was found, with its snapshotter. */
struct found {
	const char *folder; /* that is looked for */
	enum fit fit;
	char *snapshotter;
	struct ctr_snapshot view;
};

static void found_release(struct found *found)
{
	free(found->snapshotter);
	ctr_snapshot_release(&found->view);
}

static enum fit fit_of(const struct ctr_snapshot *view, const char *folder)
{
	const char *said = labels_get(&view->labels, LABEL_MOUNTED_AT);
	cleanup_mount_seen struct mount_seen seen = { 0 };
	cleanup_free char *mounted_at = NULL;

	if (mount_table_seen(folder, &seen) > 0 && keepers_is_seen(view, folder, &seen))
		return FIT_SEEN;
	mounted_at = keepers_mounted_at(view);
	if (mounted_at)
		return strcmp(mounted_at, folder) == 0 ? FIT_COVERED : FIT_NONE;
	return said && strcmp(said, folder) == 0 ? FIT_GONE : FIT_NONE;
}

/* Takes the view from the list. */
static int keep_found(const char *snapshotter, struct ctr_snapshot *view, struct found *found, struct error *err)
{
	found_release(found);
	found->view = *view;
	*view = (struct ctr_snapshot){ 0 };
	found->snapshotter = strdup(snapshotter);
	return found->snapshotter ? 0 : error_memory(err);
}

static int find_in(struct session *session, const char *snapshotter, const char *filter, struct found *found,
		   struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots views = { 0 };

	if (snapshotters_list(session, snapshotter, filter, &views, err) < 0)
		return -1;
	for (size_t i = 0; i < views.count; i++) {
		enum fit fit = fit_of(&views.items[i], found->folder);

		if (fit <= found->fit)
			continue;
		found->fit = fit;
		if (keep_found(snapshotter, &views.items[i], found, err) < 0)
			return -1;
	}
	return 0;
}

static int tell_none(const struct found *found, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "'%s' shows no version", found->folder);
	return error_hint(err, "'wsnap list TARGET' shows what is mounted where");
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
	return found->fit == FIT_NONE ? tell_none(found, err) : 0;
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

static int tell_covered(const struct found *found, const struct view_result *result, struct error *err)
{
	if (!mount_table_is_point(found->folder))
		return error_set(err, ERROR_FAILED, "version %d of '%s' is mounted at '%s' in another mount namespace",
				 result->version, result->container_id, found->folder);
	error_set(err, ERROR_FAILED, "'%s' cannot be unmounted: something else is mounted over version %d of '%s'",
		  found->folder, result->version, result->container_id);
	return error_hint(err, "'umount %s' takes that away", found->folder);
}

/* A view that is seen in a further place stays. */
static int umount_found(struct session *session, struct found *found, const struct view_result *result,
			struct error *err)
{
	cleanup_free char *still = NULL;

	found->fit = fit_of(&found->view, found->folder);
	if (found->fit == FIT_NONE)
		return tell_none(found, err);
	if (found->fit == FIT_COVERED)
		return tell_covered(found, result, err);
	if (found->fit == FIT_SEEN) {
		if (unmount(session, found->folder, err) < 0)
			return -1;
		still = keepers_mounted_here(&found->view);
		if (still)
			return 0;
	}
	return ctr_snapshot_remove(session->ctr, found->snapshotter, found->view.name, err);
}

static int umount_locked(struct session *session, struct found *found, struct view_result *result, struct error *err)
{
	const struct lock_request request = { .container_id = result->container_id,
					      .what = "umount",
					      .wait_s = session->settings->wait_s };
	struct lock lock;
	int done;

	if (lock_take(session, &request, &lock, err) < 0)
		return -1;
	recovery_settle_if_possible(session, result->container_id);
	done = umount_found(session, found, result, err);
	lock_release_to_tell(&lock);
	result->was_mounted = found->fit == FIT_SEEN;
	return done;
}

static int fill_result(const struct found *found, struct view_result *result, struct error *err)
{
	const char *owner = labels_get(&found->view.labels, LABEL_CONTAINER);

	result->version = version_label_parse(labels_get(&found->view.labels, LABEL_VERSION));
	result->container_id = strdup(owner ? owner : "");
	result->name = strdup(found->view.name);
	return result->container_id && result->name ? 0 : error_memory(err);
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
		done = fill_result(&found, result, err);
	if (done == 0)
		done = umount_locked(session, &found, result, err);
	found_release(&found);
	return done;
}
