/* The state of a workspace that is not stopped for it: a live version, files that are restored, layers that become one. */
#include "base/cleanup.h"
#include "base/log.h"
#include "live/live.h"
#include "operation/live_layer.h"
#include "operation/meantime.h"
#include "operation/restart.h"
#include "operation/restoring.h"
#include "operation/state_words.h"
#include "operation/steps.h"

/* Nothing is copied: the layers that there are become one, on which the next version is put. */
static int compact(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *index = live_layer_index(run->session, record->container_id, err);
	struct error ignored = { 0 };

	if (!index || live_layer_merge(run, err) < 0 || live_layer_label_tip(run, record->live_merged, err) < 0)
		return -1;
	if (live_rename_index(index, record->live_tip, record->live_merged, &ignored) < 0)
		log_detail("%s", ignored.message);
	return 0;
}

/* The restart monitor may not start it meanwhile; whoever does all the same is seen. What is mounted for it is gone again before
 * anything else is done. */
static int restore_stopped(struct run *run, struct error *err)
{
	int made = run->record->restart_status ? step_hold(run, err) : 0;
	bool started;

	if (made == 0)
		made = restoring_begin(run, err) < 0 ? -1 : restoring_make(run->restoring, err);
	started = made == 0 && run->restoring->started;
	restoring_end(run);
	if (made < 0 && err->kind == ERROR_INCOMPLETE)
		return state_words_half_changed(run, err);
	if (made < 0 || (started && meantime_end_start(run, err) < 0))
		return -1;
	/* What an operation before this one could not start. */
	return restart_begin(run, err);
}

int step_copy(struct run *run, struct error *err)
{
	if (run->record->kind == OPERATION_COMPACT)
		return compact(run, err);
	if (run->restore && run->record->old_pid == 0)
		return restore_stopped(run, err);
	return step_copy_live(run, err);
}
