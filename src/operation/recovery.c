#include "operation/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/server.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/execute.h"
#include "operation/effect.h"
#include "operation/live_layer.h"
#include "operation/meantime.h"
#include "operation/move.h"
#include "operation/plan_network.h"
#include "operation/restoring.h"
#include "operation/orphan.h"
#include "operation/run.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "task/remains.h"
#include "workspace/journal.h"
#include "workspace/keepers.h"
#include "workspace/label_keys.h"

void settled_release(struct settled *settled)
{
	free(settled->what);
	record_release(&settled->pending);
	*settled = (struct settled){ 0 };
}

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

int recovery_end_orphaned(struct run *run, char **what, struct error *err)
{
	struct record *record = run->record;
	bool saves = record_saves(record), dropped = false;
	int saved = 0;

	task_finish_detachment(run);
	/* A commit or removal of the run before may still be on its way. */
	if (effect_wait_for_snapshots(run, err) < 0)
		return -1;
	if (run->found == FOUND_GONE && record->attachment)
		give_address_back(run);
	clear_the_way(run);
	if (leave_as_it_was(run, err) < 0)
		return -1;
	if (saves)
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

static char *describe(const struct run *run)
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

/* After a reboot it is down before anything was done to it: it has to come back all the same. */
static int note_absence(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct record *record = run->record;

	if (record->stage != STAGE_PLANNED || record->state == CTR_TASK_NONE)
		return 0;
	if (ctr_task_get(run->session->ctr, record->container_id, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_NONE)
		record->stage = STAGE_DOWN;
	return 0;
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

/* The state before the change is whole in its layer once the change was begun: it becomes a version, whatever has become of
 * the container. */
static int keep_saved(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int saved = record_saves(record) ? run_has_saved(run, NULL, err) : 1;

	if (saved != 0)
		return saved < 0 ? -1 : 0;
	saved = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->filling, NULL, err);
	if (saved == 0) {
		log_warning("what '%s' was before the restore is lost: containerd has its snapshot no more",
			    record->container_id);
		run->record->save = SAVE_NEVER;
	}
	if (saved <= 0)
		return saved;
	return step_lease(run, err) < 0 ? -1 : step_keep(run, err);
}

/* After a reboot it is down, though nothing has stopped it for the operation: it runs again as it did. Without one, somebody
 * has stopped it on purpose. */
static int bring_up(struct run *run, struct error *err)
{
	struct record *record = run->record;
	char boot[KEEPERS_BOOT_SIZE];

	keepers_boot(boot);
	if (!record->boot || strcmp(boot, record->boot) == 0)
		return 0;
	if (note_absence(run, err) < 0)
		return -1;
	if (record->stage != STAGE_DOWN)
		return 0;
	if (step_detach(run, err) < 0 || step_start(run, err) < 0) {
		err->kind = ERROR_INCOMPLETE;
		error_wrap(err, "'%s' is down, and could not be started again", record->container_id);
		return error_hint(err, "once the cause is gone, 'wsnap recover %s' starts it", record->container_id);
	}
	record->stage = STAGE_PLANNED;
	return 0;
}

/* A live version: nothing was done to the workspace. What is committed is recorded, and the rest goes. */
static int go_on_live(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int saved = record_saves(record) && !record->turned_back
			    ? ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->saved, NULL, err)
			    : 0;

	if (saved < 0 || bring_up(run, err) < 0)
		return -1;
	return saved ? execute(run, ENTRY_TIDY, err) : execute_back(run, "interrupted", err);
}

static int note_freezer(const char *folder, void *context, struct error *err)
{
	struct run *run = context;

	free(run->record->frozen);
	run->record->frozen = strdup(folder);
	return run->record->frozen ? journal_save(run->session, run->record, err) : error_memory(err);
}

/* Nobody may start it while its files are changed. */
static int hold_stopped(struct run *run, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct record *record = run->record;
	const char *status;

	if (ctr_task_get(run->session->ctr, record->container_id, &task, err) < 0 ||
	    ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0)
		return -1;
	status = labels_get(&container.labels, LABEL_RESTART_STATUS);
	if (task_has_process(task.state) || record->restart_status || !status)
		return 0;
	record->restart_status = strdup(status);
	if (!record->restart_status)
		return error_memory(err);
	return journal_save(run->session, record, err) < 0 ? -1 : step_hold(run, err);
}

/* Behind what was saved before the change, so that their numbers are in the order of time. */
static int keep_meantime(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (meantime_keep(run, err) < 0)
		return -1;
	if (!record->meantime_whole ||
	    ((record->refusal || step_record(run, err) == 0) && meantime_tell(run, &run->meantime_version, err) == 0))
		return 0;
	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "'%s' is restored, but what it had become before is not recorded yet", record->container_id);
	return error_hint(err, "'wsnap recover %s' does the rest", record->container_id);
}

/* A restore: what was begun is made to the end, before anything else may run. */
static int go_on_restore(struct run *run, struct error *err)
{
	int begun = restoring_is_begun(run, err);

	if (begun < 0)
		return -1;
	run->changed = begun;
	/* Who has made it may have died before he could thaw the workspace. */
	if (begun && (hold_stopped(run, err) < 0 || meantime_finish(run, note_freezer, err) < 0 ||
		      live_layer_thaw(run, err) < 0 || keep_saved(run, err) < 0 || keep_meantime(run, err) < 0))
		return -1;
	if (bring_up(run, err) < 0)
		return -1;
	return begun || run->record->stage == STAGE_UP ? execute(run, ENTRY_TIDY, err)
						       : execute_back(run, "interrupted", err);
}

/* Where the steps go on, judged by what the container stands on. */
static int go_on(struct run *run, const char *snapshot_key, struct error *err)
{
	struct record *record = run->record;
	int effect;

	if (record->stage == STAGE_UP && record->pending == PENDING_NETWORK && settle_network(run, err) < 0)
		return -1;
	if (record->pending == PENDING_START) {
		record->pending = PENDING_NOTHING;
		record->stage = STAGE_DOWN;
	}
	if (record->stage == STAGE_UP && strcmp(snapshot_key, record->new_active) == 0 && mend(run, err) < 0)
		return -1;
	if (record->stage == STAGE_UP)
		return execute(run, ENTRY_BOOKKEEPING, err);
	if (note_absence(run, err) < 0)
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

/* Another containerd (a wrong address, a disk that is not mounted yet) knows nothing of what the record is about. */
static int check_server(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *id = record->server_id ? ctr_server_id(run->session->ctr, err) : NULL;

	if (!record->server_id || (id && strcmp(id, record->server_id) == 0))
		return 0;
	if (!id)
		return -1;
	error_set(err, ERROR_FAILED, "'%s' has an operation that was begun in another containerd than the one at '%s'",
		  record->container_id, run->session->settings->address);
	return error_hint(err,
			  "let that one run, or name it with --address: 'wsnap recover %s' ends the operation there; "
			  "where it is gone for good, move the record out of '%s'",
			  record->container_id, run->session->settings->state_dir);
}

/* First of all: its processes may still be frozen. But those whose files are half changed must stay so. */
static int thaw(struct run *run, struct error *err)
{
	int begun = run->record->kind == OPERATION_RESTORE ? restoring_is_begun(run, err) : 0;

	return begun != 0 ? begun : live_layer_thaw(run, err);
}

/* The container is not there any more, or another: nothing of it is changed. What was saved before a change is kept. */
static int end_gone(struct run *run, char **what, struct error *err)
{
	int begun = run->record->kind == OPERATION_RESTORE ? restoring_is_begun(run, err) : 0;

	if (begun < 0 ||
	    (begun > 0 && (live_layer_thaw(run, err) < 0 || keep_saved(run, err) < 0 || keep_meantime(run, err) < 0)))
		return -1;
	return recovery_end_orphaned(run, what, err);
}

static int settle_with(struct run *run, char **what, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	int found;

	if (thaw(run, err) < 0 || check_server(run, err) < 0)
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
		return end_gone(run, what, err);
	/* A configuration that is broken by now must not keep the workspace down. */
	if (run->record->attachment)
		plan_network_load(run->session, &run->network, &run->network_error);
	if (run->record->live) {
		if ((run->record->kind == OPERATION_RESTORE ? go_on_restore(run, err) : go_on_live(run, err)) < 0)
			return -1;
		*what = describe(run);
		return *what ? 0 : error_memory(err);
	}
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

	if (found == 0)
		journal_tidy(session, container_id);
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
