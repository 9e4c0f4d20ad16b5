#include "operation/plan_unchanged.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "operation/changes.h"
#include "operation/live_layer.h"
#include "operation/plan_live.h"
#include "store/versions.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"

/* `status` counts the age from here, so that an idle workspace raises no alarm. */
static int note_unchanged(const struct plan *plan, const struct record *record, struct error *err)
{
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_unix_ns(), now);
	return ctr_snapshot_set_label(plan->session->ctr, record->snapshotter, record->old_active, LABEL_UNCHANGED, now,
				      err);
}

int plan_unchanged(const struct plan *plan, const struct findings *findings, const struct record *record,
		   struct operation_result *result, struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	int unchanged;

	if (!plan->request->if_changed || !record->stands_on_version)
		return 0;
	unchanged =
		live_layer_is_unchanged(plan->session, record, &findings->active, &findings->location)
			? 1
			: changes_none(plan->session, record->snapshotter, record->old_active, record->stands_on, err);
	if (unchanged <= 0)
		return unchanged;
	if (snapshot_labels_keep(plan->session, record->snapshotter, record->stands_on, err) < 0 ||
	    note_unchanged(plan, record, err) < 0)
		return -1;
	unchanged = store_version_of_snapshot(plan->session->store, record->container_id, record->stands_on, &row, err);
	if (unchanged <= 0)
		return unchanged;
	result->unchanged = true;
	result->live =
		plan_live_is_asked(plan->session, plan->request) && plan_live_has_processes(findings->task.state);
	result->version = row.version;
	memcpy(result->version_id, row.id, sizeof(result->version_id));
	result->created_ns = row.created_ns;
	result->display_name = steal_pointer(row.display_name);
	result->runtime_name = steal_pointer(row.runtime_name);
	result->source = steal_pointer(row.source);
	return 1;
}
