/* What a workspace stands on once files of a version were restored into it. */
#include "ctr/snapshots.h"
#include "operation/live_layer.h"
#include "operation/orphan.h"
#include "operation/steps.h"
#include "workspace/label_keys.h"

/* Without paths it is the version; else what was saved of it before, or what it was on all along. */
static const char *stands_on(const struct record *record)
{
	if (!record->paths)
		return record->rollback_name;
	return record_saves(record) ? record->saved : NULL;
}

int step_stand(struct run *run, struct error *err)
{
	const char *name = stands_on(run->record);

	struct error gone = { 0 };

	/* Another container of the same id may have a snapshot of the same name. */
	if (run_is_orphaned(run) || (orphan_check(run, &gone) < 0 && run_is_orphaned(run)))
		return 0;
	if (live_layer_label_restored(run, name, err) == 0)
		return 0;
	/* A container that was removed meanwhile has taken its active snapshot along. */
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}
