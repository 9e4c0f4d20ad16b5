#include "operation/recovery_orphan.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/effect.h"
#include "operation/execute.h"
#include "operation/let_go.h"
#include "operation/mapped_ids.h"
#include "operation/move.h"
#include "operation/orphan.h"
#include "operation/plan_network.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "task/remains.h"
#include "workspace/snapshot_labels.h"

/* The container is gone: its network attachment is removed, so that its address is free again. */
static void give_address_back(struct run *run)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	const struct record *record = run->record;
	struct error failure = { 0 };
	int done = run->network ? 0 : plan_network_load(run->session, &run->network, &failure);

	if (done == 0 && !run->network)
		done = error_set(&failure, ERROR_FAILED, "the network configuration is not there any more");
	if (done == 0)
		done = network_attachment_parse(record->attachment, &attachment, &failure);
	if (done == 0)
		done = network_del(run->network, &attachment, NULL, &failure);
	if (done < 0)
		log_warning("'%s' is gone, but may still hold a network address: %s", record->container_id,
			    failure.message);
}

/* Somebody put it on another snapshot after we had stopped it: it is started again on that. */
static int start_on_theirs(struct run *run, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct record *record = run->record;

	if (record->pending == PENDING_START)
		record->stage = STAGE_DOWN;
	if (record->stage != STAGE_DOWN || record->state == CTR_TASK_NONE)
		return 0;
	if (ctr_task_get(run->session->ctr, record->container_id, &task, err) < 0 ||
	    ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0)
		return -1;
	if (task_has_process(task.state))
		return 0;
	return step_start_on(run, container.snapshot_key, err);
}

/* Gives the restart monitor its label back, if it is still the same container. */
static int leave_as_it_was(struct run *run, struct error *err)
{
	run->record->turned_back = true;
	if (run->found != FOUND_TAKEN || (start_on_theirs(run, err) == 0 && step_unhold(run, err) == 0))
		return 0;
	error_wrap(err, "'%s' was put on another snapshot by somebody, and is not as it was",
		   run->record->container_id);
	err->kind = ERROR_INCOMPLETE;
	return error_hint(err, "'wsnap recover %s' does the rest", run->record->container_id);
}

/* A Tasks.Create of ours that was cut off may keep the new container from starting, whoever wants to start it. */
static void clear_the_way(struct run *run)
{
	const struct settings *settings = run->session->settings;
	const char *id = run->record->container_id;
	cleanup_shims struct shims shims = { 0 };
	struct error failure = { 0 };
	int found = shim_survey(settings, &shims, &failure);

	if (found == 0)
		found = remains_find(run->session->ctr, settings, &shims, id, &failure);
	if (found > 0)
		found = remains_clear(run->session->ctr, settings, &shims, id, &failure);
	if (found < 0)
		log_warning("'%s' may not start, because of what is left of its task: %s", id, failure.message);
}

/* From now on the record is that of a version which saves what lies in the receiver. It bears the time as another would. */
static int become_version(struct record *record, struct error *err)
{
	char *saved = text_format("%s-%s%lld", record->container_id, kind_words(OPERATION_VERSION)->saved,
				  (long long)record->created_ns);

	if (!saved)
		return error_memory(err);
	free(record->saved);
	record->saved = saved;
	record->kind = OPERATION_VERSION;
	record->save = SAVE_ALWAYS;
	return 0;
}

/*
 * Nobody but a compaction knows of the layer that it has moved, once the container is gone with the snapshot that the layer
 * was in: it becomes a version. Where a container stands on it, it is that one's.
 */
static int keep_moved_layer(struct run *run, struct error *err)
{
	struct record *record = run->record;
	cleanup_labels struct labels labels = { 0 };
	cleanup_free char *receiver = NULL;
	int owned, saved;

	if (record->kind != OPERATION_COMPACT || !move_is_done(record))
		return 0;
	owned = move_has_home(run, err);
	receiver = owned == 0 ? move_receiver(record, err) : NULL;
	if (owned == 0)
		owned = receiver ? let_go_is_stood_on(run, receiver, err) : -1;
	if (owned != 0)
		return owned < 0 ? -1 : 0;
	if (become_version(record, err) < 0)
		return -1;
	saved = run_has_saved(run, NULL, err);
	if (saved != 0)
		return saved < 0 ? -1 : 0;
	if (snapshot_labels_saved(record, &labels, err) < 0)
		return -1;
	if (mapped_ids_copies(record))
		log_warning("what '%s' had written has the ids of the host in that version, which are nobody's in its "
			    "user namespace",
			    record->container_id);
	return ctr_snapshot_commit(run->session->ctr, record->snapshotter, record->saved, receiver, &labels, err);
}

int recovery_end_orphaned(struct run *run, char **what, struct error *err)
{
	struct record *record = run->record;
	bool dropped = false;
	int saved = 0;

	task_finish_detachment(run);
	/* A commit or removal of the run before may still be on its way. */
	if (effect_wait_for_snapshots(run, err) < 0)
		return -1;
	if (run->found == FOUND_GONE && record->attachment)
		give_address_back(run);
	clear_the_way(run);
	if (leave_as_it_was(run, err) < 0 || keep_moved_layer(run, err) < 0)
		return -1;
	if (record_saves(record))
		saved = run_has_saved(run, NULL, err);
	if (saved < 0 || (saved > 0 && move_drop_hollow(run, &dropped, err) < 0))
		return -1;
	if (dropped)
		saved = 0;
	if (saved == 0)
		record->save = SAVE_NEVER;
	/* Another container may stand on what this one was on. */
	if (saved == 0 && move_back_if_possible(run, err) < 0)
		return -1;
	if (run->found != FOUND_TAKEN)
		record->state = CTR_TASK_NONE;
	record->pending = PENDING_NOTHING;
	if (execute(run,
		    saved == 0                     ? ENTRY_LET_GO
		    : record_makes_version(record) ? ENTRY_BOOKKEEPING
						   : ENTRY_TELL,
		    err) < 0)
		return -1;
	*what = run->result->version > 0
			? text_format("%s; its state is kept as version %d", orphan_words(run), run->result->version)
			: text_format("%s; there was nothing to keep", orphan_words(run));
	return *what ? 0 : error_memory(err);
}
