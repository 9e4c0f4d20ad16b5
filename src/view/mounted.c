#include "view/mounted.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "view/view.h"
#include "workspace/keepers.h"
#include "workspace/mount_table.h"
#include "workspace/snapshotter_traits.h"
#include "workspace/snapshotters.h"

struct mounted_walk {
	view_each_mounted each;
	void *context;
};

static int tell_mounted(const struct ctr_snapshot *view, void *context, struct error *err)
{
	const struct mounted_walk *walk = context;
	cleanup_free char *folder = keepers_mounted_at(view);

	return folder ? walk->each(view->parent, folder, walk->context, err) : 0;
}

int view_each(struct session *session, const char *container_id, const char *snapshotter, view_each_mounted each,
	      void *context, struct error *err)
{
	struct mounted_walk walk = { .each = each, .context = context };
	cleanup_free char *filter = view_filter(container_id);
	cleanup_free char *prefix = text_format("%s-view-", container_id);

	if (!prefix)
		return error_memory(err);
	if (snapshotter && snapshotter_known(snapshotter)->views_are_overlays && !mount_table_has_sources(prefix))
		return 0;
	return filter ? snapshotters_each(session, filter, tell_mounted, &walk, err) : error_memory(err);
}
