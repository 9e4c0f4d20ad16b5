#include "operation/run.h"

#include <string.h>

#include "base/log.h"
#include "ctr/snapshots.h"
#include "live/live.h"
#include "operation/detachment.h"
#include "task/teardown.h"
#include "workspace/label_keys.h"

int run_has_saved(struct run *run, bool *taken, struct error *err)
{
	const struct record *record = run->record;
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->saved, &snapshot, err);
	const char *operation = found > 0 ? labels_get(&snapshot.labels, LABEL_OPERATION) : NULL;
	bool is_ours = operation && strcmp(operation, record->operation_id) == 0;

	if (taken)
		*taken = found > 0 && !is_ours;
	return found > 0 ? is_ours : found;
}

void run_end_part(struct run *run)
{
	live_end(run->live);
	run->live = NULL;
}

void run_end(struct run *run)
{
	struct error ignored = { 0 };

	/* The threads use the network and the record; their outcome does not matter any more. */
	detachment_end(run->detachment, &ignored);
	teardown_end(run->teardown, &ignored);
	run->detachment = NULL;
	run->teardown = NULL;
	if (ctr_use_lease(run->session->ctr, NULL, &ignored) < 0)
		log_detail("%s", ignored.message);
	run_end_part(run);
	network_free(run->network);
	run->network = NULL;
}
