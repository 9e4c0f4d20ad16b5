#include "operation/effect.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "operation/changes.h"
#include "operation/move.h"
#include "operation/half_commit.h"
#include "operation/steps.h"

/* A collection that runs holds up the writes of snapshots, but not those of leases. What waited for its end with this one
 * may come behind it, so one more is made. */
#define SNAPSHOT_WRITES 2

int effect_wait_for_snapshots(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *nothing = text_format("%s-%s-nothing", record->container_id, record->operation_id);

	if (!nothing)
		return error_memory(err);
	for (int i = 0; i < SNAPSHOT_WRITES; i++)
		if (ctr_snapshot_remove(run->session->ctr, record->snapshotter, nothing, err) < 0)
			return -1;
	return 0;
}

int effect_wait_for_writes(struct run *run, struct error *err)
{
	return step_lease(run, err) < 0 ? -1 : effect_wait_for_snapshots(run, err);
}

/* A compaction has no way back once its layer has left what the workspace was on: the removal of that may have been asked
 * for. */
static int has_left_home(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int found;

	if (record->kind != OPERATION_COMPACT || !move_is_planned(record))
		return 0;
	if (move_is_done(record))
		return 1;
	found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->old_active, NULL, err);
	return found < 0 ? -1 : found == 0;
}

int effect_is_taken(struct run *run, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	const struct record *record = run->record;

	if (effect_wait_for_writes(run, err) < 0)
		return -1;
	if (record_saves(record)) {
		int saved = run_has_saved(run, NULL, err);

		if (saved == 0)
			saved = half_commit_is_found(run, err);
		if (saved != 0 || record->save == SAVE_ALWAYS)
			return saved;
	}
	if (ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0)
		return -1;
	return strcmp(container.snapshot_key, record->new_active) == 0 ? 1 : has_left_home(run, err);
}

bool effect_was_used(struct run *run)
{
	struct error unknown = { 0 };

	return run->resumed && run->found == FOUND_REPOINTED &&
	       changes_none(run->session, run->record->snapshotter, run->record->new_active, run->record->rollback_name,
			    &unknown) != 1;
}
