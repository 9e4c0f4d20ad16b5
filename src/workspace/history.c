#include "workspace/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"

/* Whether a snapshot is the one of a version: by its row, or without a database by its label. 1, 0, -1. */
static int is_version(struct session *session, const struct target *target, const char *runtime_name, struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	const char *kind;
	int found;

	if (session->store)
		return store_version_of_snapshot(session->store, target->container_id, runtime_name, &row, err);
	found = ctr_snapshot_stat(session->ctr, target->container.snapshotter, runtime_name, &snapshot, err);
	if (found <= 0)
		return found;
	kind = labels_get(&snapshot.labels, LABEL_KIND);
	return kind && strcmp(kind, KIND_VERSION) == 0;
}

int history_stands_on(struct session *session, const struct target *target, char **runtime_name, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	const char *label;
	int found = 0;

	*runtime_name = NULL;
	if (target->present)
		found = ctr_snapshot_stat(session->ctr, target->container.snapshotter, target->container.snapshot_key,
					  &active, err);
	if (found <= 0)
		return found;
	label = labels_get(&active.labels, LABEL_STANDS_ON);
	if (!label && *active.parent) {
		found = is_version(session, target, active.parent, err);
		if (found < 0)
			return -1;
		label = found ? active.parent : NULL;
	}
	*runtime_name = strdup(label ? label : "");
	return *runtime_name ? 1 : error_memory(err);
}

int history_operation_of(struct session *session, const struct store_version *row, char **operation_id,
			 struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int found = ctr_snapshot_stat(session->ctr, row->snapshotter, row->runtime_name, &snapshot, err);
	const char *label;

	if (found < 0 && snapshotters_pass_over(session, row->snapshotter, err))
		found = 0;
	label = found > 0 ? labels_get(&snapshot.labels, LABEL_OPERATION) : NULL;

	*operation_id = label ? strdup(label) : NULL;
	return label && !*operation_id ? error_memory(err) : found;
}
