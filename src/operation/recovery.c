#include "operation/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/tasks.h"
#include "operation/effect.h"
#include "operation/execute.h"
#include "operation/frozen.h"
#include "operation/orphan.h"
#include "operation/plan_network.h"
#include "operation/recovery_live.h"
#include "operation/recovery_orphan.h"
#include "operation/restoring.h"
#include "operation/run.h"
#include "operation/same_server.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "workspace/journal.h"

void settled_release(struct settled *settled)
{
	free(settled->what);
	record_release(&settled->pending);
	*settled = (struct settled){ 0 };
}

static char *describe_done(const struct run *run)
{
	const struct record *record = run->record;

	if (run->refusal.kind != ERROR_NONE)
		return text_format("the %s was ended, but for its rows, which the database refuses: %s",
				   kind_words(record->kind)->name, run->refusal.message);
	if (record->turned_back && run->result->version > 0)
		return text_format("the rollback to version %d was taken back; version %d holds the state before",
				   record->rollback_to, run->result->version);
	if (record->turned_back)
		return text_format("the %s was taken back: the workspace is as it was", kind_words(record->kind)->name);
	if (record->kind == OPERATION_ROLLBACK)
		return text_format("the rollback to version %d was completed", record->rollback_to);
	if (record->kind == OPERATION_RESTORE && run->meantime_version)
		return text_format(
			"the restore of version %d was completed; version %d holds what somebody had let run "
			"meanwhile",
			record->rollback_to, run->meantime_version);
	if (record->kind == OPERATION_RESTORE)
		return text_format("the restore of version %d was completed", record->rollback_to);
	if (record->kind == OPERATION_COMPACT && !record->merged)
		return text_format("the compaction was given up: the workspace has the layers it had");
	if (record->kind == OPERATION_COMPACT)
		return text_format("the compaction was completed");
	return text_format("version %d was completed", run->result->version);
}

static char *describe(const struct run *run)
{
	cleanup_free char *what = describe_done(run);

	if (!what || !run->was_down || run->record->pending != PENDING_NOTHING)
		return steal_pointer(what);
	return text_format("%s, and the workspace is started again", what);
}

/* Its part is done but for the network: try that once more, on the task as it runs now. */
static int settle_network(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	run->record->pending = PENDING_NOTHING;
	if (task.state == CTR_TASK_NONE || task.state == CTR_TASK_STOPPED)
		return 0;
	return task_attach(run, task.pid, err);
}

/* A power cut may have taken the folder of what the container stands on. Where what that would stand on is gone as well,
 * waiting does not help: the operation ends, and that is said. */
static int mend(struct run *run, struct error *err)
{
	const char *id = run->record->container_id;

	if (step_prepare(run, err) == 0)
		return 0;
	if (!error_forgive(err, ERROR_NOT_FOUND))
		return -1;
	log_warning("'%s' has lost the snapshot '%s' that it stands on; 'wsnap doctor %s' says what is left of it", id,
		    run->record->new_active, id);
	return 0;
}

/* Where the steps go on, judged by what the container stands on. */
static int go_on(struct run *run, const char *snapshot_key, struct error *err)
{
	struct record *record = run->record;
	int effect;

	if (record->pending == PENDING_START) {
		record->pending = PENDING_NOTHING;
		record->stage = STAGE_DOWN;
	}
	if (record->stage == STAGE_UP && strcmp(snapshot_key, record->new_active) == 0 && mend(run, err) < 0)
		return -1;
	if (record->stage == STAGE_UP)
		return execute(run, ENTRY_BOOKKEEPING, err);
	if (task_note_absence(run, err) < 0)
		return -1;
	/* The way back may have begun, though the record does not say so yet. */
	if (record->turned_back || (record->back_active && strcmp(snapshot_key, record->back_active) == 0))
		return execute_back(run, record->failure ? record->failure : "interrupted", err);
	if (strcmp(snapshot_key, record->new_active) == 0)
		run->found = FOUND_REPOINTED;
	effect = run->found == FOUND_REPOINTED ? 1 : effect_is_taken(run, err);
	if (effect < 0)
		return -1;
	return effect ? execute(run, ENTRY_FORWARD, err) : execute_back(run, "interrupted", err);
}

/* The operation was taken back and is finished: why it failed is told, but is no error for the next operation. */
static char *describe_failure(const struct run *run, const struct error *err)
{
	cleanup_free char *what = describe(run);

	return what ? text_format("%s (%s)", what, err->message) : NULL;
}

static int go_on_beside(struct run *run, char **what, struct error *err)
{
	if (recovery_go_on_live(run, err) < 0)
		return -1;
	*what = describe(run);
	return *what ? 0 : error_memory(err);
}

static int settle_with(struct run *run, char **what, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	int found;

	if (recovery_thaw(run, err) < 0 || same_server_check(run->session, run->record, err) < 0)
		return -1;
	found = ctr_container_find(run->session->ctr, run->record->container_id, &container, err);
	if (found < 0)
		return -1;
	if (found == 0) {
		run->found = FOUND_GONE;
	} else {
		orphan_judge(run, &container);
	}
	if (run_is_orphaned(run))
		return recovery_keep_restored(run, err) < 0 ? -1 : recovery_end_orphaned(run, what, err);
	/* A configuration that is broken by now must not keep the workspace down. */
	if (run->record->attachment)
		plan_network_load(run->session, &run->network, &run->network_error);
	run->was_down = run->record->pending == PENDING_START;
	if (run->record->pending == PENDING_NETWORK && (run->record->live || run->record->stage == STAGE_UP) &&
	    settle_network(run, err) < 0)
		return -1;
	if (run->record->live)
		return go_on_beside(run, what, err);
	if (go_on(run, container.snapshot_key, err) == 0) {
		*what = describe(run);
	} else if (run->ending == ENDING_RELEASED) {
		*what = describe_failure(run, err);
		error_clear(err);
	} else if (run_is_orphaned(run) && err->kind != ERROR_INCOMPLETE) {
		error_clear(err);
		return recovery_end_orphaned(run, what, err);
	} else {
		return -1;
	}
	return *what ? 0 : error_memory(err);
}

/* Gives the record on when the next operation may take it over: once its version is recorded. */
static void hand_over(struct run *run, struct settled *settled)
{
	if (run->ending != ENDING_PENDING)
		return;
	settled->pending = *run->record;
	*run->record = (struct record){ 0 };
}

int recovery_settle(struct session *session, const char *container_id, struct settled *settled, struct error *err)
{
	cleanup_operation_result struct operation_result result = { 0 };
	cleanup_record struct record record = { 0 };
	struct run run = { .session = session, .record = &record, .result = &result, .resumed = true };
	int found = journal_load(session, container_id, &record, err), settle;

	if (found == 0) {
		journal_tidy(session, container_id);
		frozen_forget(session, container_id);
	}
	if (found <= 0)
		return found;
	log_detail("finishing %s %s of '%s'", kind_words(record.kind)->name, record.operation_id, container_id);
	memcpy(settled->operation_id, record.operation_id,
	       strnlen(record.operation_id, sizeof(settled->operation_id) - 1));
	settle = settle_with(&run, &settled->what, err);
	restoring_end(&run);
	run_end(&run);
	if (settle < 0)
		hand_over(&run, settled);
	return settle;
}

void recovery_tell_settled(const char *container_id, const struct settled *settled)
{
	if (settled->what)
		log_warning("an earlier operation on '%s' was finished first: %s", container_id, settled->what);
}

int recovery_settle_first(struct session *session, const char *container_id, struct error *err)
{
	cleanup_settled struct settled settled = { 0 };

	if (recovery_settle(session, container_id, &settled, err) < 0)
		return error_wrap(err, "'%s' has an unfinished operation", container_id);
	recovery_tell_settled(container_id, &settled);
	return 0;
}

void recovery_settle_if_possible(struct session *session, const char *container_id)
{
	struct error failure = { 0 };

	if (recovery_settle_first(session, container_id, &failure) < 0)
		log_warning("%s", failure.message);
}
