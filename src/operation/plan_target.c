#include "operation/plan_target.h"

#include <string.h>

#include "ctr/snapshots.h"
#include "workspace/history.h"

int plan_target(struct session *session, const struct version_word *version, struct record *record, struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	int found;

	if (history_find(session, record->container_id, version, &row, err) < 0)
		return -1;
	if (strcmp(row.snapshotter, record->snapshotter) != 0)
		return error_set(err, ERROR_FAILED,
				 "version %d of '%s' is in the snapshotter '%s', the workspace in '%s'", row.version,
				 record->container_id, row.snapshotter, record->snapshotter);
	found = ctr_snapshot_stat(session->ctr, row.snapshotter, row.runtime_name, NULL, err);
	if (found == 0)
		return history_is_missing(session, record->container_id, &row, err);
	if (found < 0)
		return -1;
	record->rollback_to = row.version;
	record->rollback_name = strdup(row.runtime_name);
	if (record->kind == OPERATION_ROLLBACK)
		record->base = strdup(row.runtime_name);
	return record->rollback_name && (record->base || record->kind != OPERATION_ROLLBACK) ? 0 : error_memory(err);
}
