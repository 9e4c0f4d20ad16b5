#include "view/stale.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/names_set.h"
#include "ctr/snapshots.h"
#include "operation/recovery.h"
#include "view/view.h"
#include "workspace/keepers.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/snapshotters.h"

static int remove_in(struct session *session, const char *snapshotter, const char *filter, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots views = { 0 };

	if (snapshotters_list(session, snapshotter, filter, &views, err) < 0)
		return -1;
	for (size_t i = 0; i < views.count; i++)
		if (keepers_is_stale_view(&views.items[i]) &&
		    ctr_snapshot_remove(session->ctr, snapshotter, views.items[i].name, err) < 0)
			return -1;
	return 0;
}

int view_remove_stale_locked(struct session *session, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set snapshotters = { 0 };
	cleanup_free char *filter = view_filter(container_id);

	if (!filter)
		return error_memory(err);
	if (snapshotters_of(session, &snapshotters, err) < 0)
		return -1;
	for (size_t i = 0; i < snapshotters.count; i++)
		if (remove_in(session, snapshotters.items[i], filter, err) < 0)
			return -1;
	return 0;
}

static int add_stale(const struct ctr_snapshot *view, void *context, struct error *err)
{
	const char *owner = labels_get(&view->labels, LABEL_CONTAINER);

	return owner && keepers_is_stale_view(view) ? names_set_add(context, owner, err) : 0;
}

int view_remove_stale(struct session *session, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set owners = { 0 };
	cleanup_free char *filter = view_filter(container_id);

	if (!filter)
		return error_memory(err);
	if (snapshotters_each(session, filter, add_stale, &owners, err) < 0)
		return -1;
	for (size_t i = 0; i < owners.count; i++) {
		const struct lock_request request = { .container_id = owners.items[i], .what = "tidy" };
		struct error busy = { 0 };
		struct lock lock;
		int done;

		if (lock_take(session, &request, &lock, &busy) < 0)
			continue;
		recovery_settle_if_possible(session, owners.items[i]);
		done = view_remove_stale_locked(session, owners.items[i], err);
		lock_release(&lock);
		if (done < 0)
			return -1;
	}
	return 0;
}
