#include "operation/plan_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "operation/task.h"
#include "task/process.h"
#include "workspace/chain.h"
#include "workspace/label_keys.h"

bool plan_live_is_asked(const struct session *session, const struct operation_request *request)
{
	if (request->kind != OPERATION_CREATE && request->kind != OPERATION_VERSION)
		return false;
	return request->mode == MODE_LIVE || (request->mode == MODE_CONFIGURED && session->settings->mode_live);
}

bool plan_live_has_processes(enum ctr_task_state state)
{
	return state == CTR_TASK_RUNNING || task_is_paused(state);
}

static int refuse(const struct record *record, const char *why, struct error *err)
{
	error_set(err, ERROR_REFUSED, "'%s' cannot be saved while it runs: %s", record->container_id, why);
	if (record->kind == OPERATION_RESTORE)
		return error_hint(err, "--no-save restores the files without saving what they are now");
	return error_hint(err, "--stop saves it with a stop");
}

/* What its processes see must be the overlay whose layers containerd names. */
int plan_live_check(const struct location *location, const struct record *record, struct error *err)
{
	cleanup_free char *upper = process_root_upper((uint32_t)record->old_pid);

	if (!location->stacks || !location->writable || location->below.count == 0)
		return refuse(record, "its snapshotter has no layers that can be read", err);
	if (!upper)
		return error_set(err, ERROR_FAILED, "'%s': nothing can be told of the root of its first process",
				 record->container_id);
	if (strcmp(upper, location->writable) != 0)
		return refuse(record, "the root of its first process is not the overlay that containerd knows", err);
	return 0;
}

/* The tip of its chain: 1 it can be built on, 2 it is to be merged first, 0 there is none. */
static int judge_tip(struct session *session, const struct record *record, const char *tip, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	cleanup_chain struct chain chain = { 0 };
	int found = ctr_snapshot_stat(session->ctr, record->snapshotter, tip, &snapshot, err);

	if (found <= 0)
		return found;
	if (snapshot.kind != CTR_SNAPSHOT_COMMITTED)
		return 0;
	if (chain_read(session, record->snapshotter, tip, &chain, err) < 0)
		return -1;
	if ((int)chain.above_image + 1 < session->settings->max_depth && chain.snapshots.count < CHAIN_MAX_LAYERS)
		return 1;
	return 2;
}

static int set_tip(struct session *session, const struct ctr_snapshot *active, struct record *record, struct error *err)
{
	const char *tip = labels_get(&active->labels, LABEL_LIVE_TIP);
	int fits = tip ? judge_tip(session, record, tip, err) : 0;

	if (fits <= 0)
		return fits;
	record->live_tip = strdup(tip);
	if (fits == 2)
		record->live_merged =
			text_format("%s-merged-%lld", record->container_id, (long long)record->created_ns);
	return record->live_tip && (fits == 1 || record->live_merged) ? 0 : error_memory(err);
}

int plan_live_layer(struct session *session, const struct ctr_snapshot *active, const struct location *location,
		    struct record *record, struct error *err)
{
	return plan_live_check(location, record, err) < 0 ? -1 : set_tip(session, active, record, err);
}

int plan_live(struct session *session, const struct operation_request *request, const struct ctr_snapshot *active,
	      const struct location *location, struct record *record, struct error *err)
{
	/* One that is to be started again has a state, and no process. */
	if (!plan_live_has_processes(record->state) || record->old_pid == 0)
		return 0;
	if (plan_live_check(location, record, err) < 0 || set_tip(session, active, record, err) < 0)
		return -1;
	record->live = true;
	record->max_freeze_ms = (int)(request->max_freeze_ms ? request->max_freeze_ms : OPERATION_MAX_FREEZE_MS);
	free(record->new_active);
	record->new_active = strdup(record->old_active);
	record->filling = text_format("%s-live-%lld", record->container_id, (long long)record->created_ns);
	/* Nothing is taken off the restart monitor. */
	free(steal_pointer(record->restart_status));
	return record->new_active && record->filling ? 0 : error_memory(err);
}

/* How many layers of live versions there are, from the tip down to what lies below the writable layer. */
static int count_layers(struct session *session, const struct record *record, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };

	if (!record->live_tip || !record->old_parent)
		return 0;
	if (chain_read(session, record->snapshotter, record->live_tip, &chain, err) < 0)
		return -1;
	for (size_t i = 1; i < chain.snapshots.count; i++)
		if (strcmp(chain.snapshots.items[i].name, record->old_parent) == 0)
			return (int)i;
	return 0;
}

int plan_live_compact(struct session *session, const struct ctr_snapshot *active, const struct location *location,
		      struct record *record, struct error *err)
{
	int count;

	if (!location->stacks)
		return error_set(err, ERROR_REFUSED,
				 "'%s' cannot have layers of live versions: its snapshotter has none that can be read",
				 record->container_id);
	if (set_tip(session, active, record, err) < 0)
		return -1;
	count = count_layers(session, record, err);
	if (count < 2)
		return count < 0 ? -1 : 1;
	free(record->live_merged);
	free(record->new_active);
	record->live = true;
	record->save = SAVE_NEVER;
	record->merge_count = count;
	record->live_merged = text_format("%s-merged-%lld", record->container_id, (long long)record->created_ns);
	record->filling = text_format("%s-live-%lld", record->container_id, (long long)record->created_ns);
	record->new_active = strdup(record->old_active);
	free(steal_pointer(record->restart_status));
	return record->live_merged && record->filling && record->new_active ? 0 : error_memory(err);
}
