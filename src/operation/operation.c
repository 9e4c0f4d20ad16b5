#include "operation/operation.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/tasks.h"
#include "operation/around.h"
#include "operation/execute.h"
#include "operation/plan.h"
#include "operation/recovery.h"
#include "operation/recovery_orphan.h"
#include "operation/restoring.h"
#include "operation/rows.h"
#include "operation/run.h"
#include "workspace/journal.h"
#include "workspace/last_result.h"
#include "workspace/lock.h"
#include "workspace/warnings.h"

/* Names of what was saved, taken over from the record once it is certain. */
static void keep_names(struct record *record, struct operation_result *result)
{
	if (result->version > 0) {
		result->runtime_name = steal_pointer(record->saved);
		result->display_name = steal_pointer(record->display_name);
		result->source = steal_pointer(record->source);
	}
	if (record->kind == OPERATION_ROLLBACK && !record->turned_back)
		result->rolled_back_to = record->rollback_to;
}

/* The layers could not be merged. For a compaction that is a failure; for others, a warning. */
static int report_unmerged(const struct run *run, struct error *err)
{
	const char *id = run->record->container_id, *why = run->merge_error.message;

	run->result->layers_merged = 0;
	if (run->record->kind == OPERATION_COMPACT)
		return error_set(err, ERROR_FAILED, "'%s' runs on with the layers it had: %s", id, why);
	log_warning("the layers of '%s' could not be merged: %s", id, why);
	return 0;
}

/* The database has refused the rows, which were set aside. That is the error, unless the operation has another one:
 * then it is a warning. */
static int report_refused(const struct run *run, int done, struct error *err)
{
	struct error refusal = run->refusal;

	rows_are_refused(run->record, &refusal);
	if (done < 0)
		log_warning("%s", refusal.message);
	else
		*err = refusal;
	return -1;
}

/* Others have removed the container, made it anew or turned it meanwhile: the operation ends, and what was saved is kept. */
static int end_orphaned(struct run *run, struct error *err)
{
	cleanup_free char *what = NULL;

	error_clear(err);
	if (recovery_end_orphaned(run, &what, err) < 0)
		return -1;
	return error_set(err, ERROR_FAILED, "the operation on '%s' has ended early: %s", run->record->container_id,
			 what);
}

static struct record steal_record(struct record *record)
{
	struct record taken = *record;

	*record = (struct record){ 0 };
	return taken;
}

/* What planning says of --if-changed without a change, and of a compaction with nothing to merge. */
#define NOTHING_TO_DO 1

static int plan_and_execute(const struct plan *plan, struct operation_result *result, struct error *err)
{
	cleanup_record struct record record = { 0 };
	struct run run = { .session = plan->session,
			   .record = &record,
			   .result = result,
			   .restore = plan->request->restore,
			   .around = plan->around,
			   .is_part = plan->is_part,
			   .leaves_start = plan->left != NULL };
	int done = plan_make(plan, &record, &run.network, result, err);

	if (done == 0) {
		done = execute(&run, ENTRY_BEGINNING, err);
		if (done < 0 && run_is_orphaned(&run) && run.ending == ENDING_OPEN)
			done = end_orphaned(&run, err);
		keep_names(&record, result);
		if (plan->left && run.ending == ENDING_PENDING)
			*plan->left = steal_record(&record);
	}
	restoring_end(&run);
	run_end(&run);
	if (done == 0 && run.merge_error.kind != ERROR_NONE)
		done = report_unmerged(&run, err);
	if (run.refusal.kind != ERROR_NONE)
		done = report_refused(&run, done, err);
	return done;
}

/* An operation that is still pending can be taken over: a missing network by every operation that starts it, since each attaches it
 * anew; a start that fails by what may lead to something that starts. Behind a restore what does not start is no version yet, and
 * may become one. */
static bool may_take_over(const struct record *pending, enum operation_kind kind)
{
	if (!pending->container_id)
		return false;
	if (pending->pending != PENDING_START)
		return kind != OPERATION_RESTORE;
	if (kind == OPERATION_ROLLBACK || kind == OPERATION_RESTORE)
		return true;
	return pending->kind == OPERATION_RESTORE && (kind == OPERATION_VERSION || kind == OPERATION_CREATE);
}

/* *err is what is pending then. */
static int settle_earlier(struct session *session, const struct operation_request *request, const char *container_id,
			  struct settled *settled, struct error *err)
{
	if (recovery_settle(session, container_id, settled, err) == 0) {
		recovery_tell_settled(container_id, settled);
		return 0;
	}
	if (may_take_over(&settled->pending, request->kind))
		return 0;
	error_wrap(err, "'%s' has an unfinished operation", container_id);
	return -1;
}

/* The unfinished operation was not taken over. While there is a record of it, the user is told that it is still
 * unfinished. */
static int tell_unfinished(struct session *session, const char *container_id, const struct error *unfinished, int done,
			   struct error *err)
{
	struct error ignored = { 0 };

	if (done == NOTHING_TO_DO)
		*err = *unfinished;
	else if (err->kind != ERROR_INCOMPLETE && journal_exists(session, container_id, &ignored) == 1)
		log_warning("%s", unfinished->message);
	return -1;
}

/* Whether a restore has to save a workspace with a stop first: it does not run. 1, 0, -1. */
static int saves_first(struct session *session, const struct operation_request *request, const char *container_id,
		       struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (request->kind != OPERATION_RESTORE || request->no_save || request->restore->is_same)
		return 0;
	if (ctr_task_get(session->ctr, container_id, &task, err) < 0)
		return -1;
	return task.state == CTR_TASK_NONE || task.state == CTR_TASK_STOPPED;
}

/* What is to be started again is, once its files are restored: *left, the caller's, says it in between. */
static int save_and_restore(struct plan *plan, struct record *left, struct operation_result *saved,
			    struct operation_result *result, struct error *err)
{
	const struct operation_request version = {
		.kind = OPERATION_VERSION,
		.target = plan->request->target,
		.source = kind_words(OPERATION_RESTORE)->source,
		.mode = MODE_STOP,
	};
	struct plan first = *plan;
	struct around *around = plan->around;
	int done;

	first.request = &version;
	first.around = NULL;
	first.operation_id = NULL;
	first.left = plan->pending ? left : NULL;
	done = plan_and_execute(&first, saved, err);
	plan->pending = left->container_id ? left : NULL;
	/* Its rows may have been refused. */
	if (done < 0 && (!plan->pending || saved->version == 0))
		return -1;
	error_clear(err);
	plan->saved = (struct saved_before){ .version = saved->version, .name = saved->runtime_name };
	around_note(around, ERROR_FAILED, saved->version);
	done = plan_and_execute(plan, result, err);
	if (done < 0)
		log_warning("what '%s' is was saved as version %d before", plan->container_id, saved->version);
	else
		result->saved_first = saved->version;
	return done;
}

/* A workspace that does not run is saved and then changed: two operations, one to whoever looks. */
static int restore_stopped(struct plan *plan, struct operation_result *result, struct error *err)
{
	char operation_id[ID_SIZE];
	struct around around = {
		.session = plan->session,
		.facts = { .operation = kind_words(OPERATION_RESTORE)->name,
			   .operation_id = operation_id,
			   .container_id = plan->container_id,
			   .bot_id = plan->bot_id,
			   .namespace = plan->session->settings->namespace,
			   .source = kind_words(OPERATION_RESTORE)->source },
	};
	cleanup_operation_result struct operation_result saved = { 0 };
	cleanup_record struct record left = { 0 };
	const struct record *pending = plan->pending;
	int done;

	id_random(operation_id);
	if (around_begin(&around, err) < 0)
		return -1;
	plan->operation_id = operation_id;
	plan->around = &around;
	plan->is_part = true;
	done = save_and_restore(plan, &left, &saved, result, err);
	plan->pending = pending;
	around_end(&around, done < 0 ? (int)err->kind : 0, saved.version);
	return done;
}

static int run_locked(struct session *session, const struct operation_request *request, const struct target *target,
		      struct operation_result *result, struct error *err)
{
	cleanup_settled struct settled settled = { 0 };
	struct error unfinished;
	struct plan plan = {
		.session = session, .request = request, .container_id = target->container_id, .bot_id = target->bot_id
	};
	int done;

	if (settle_earlier(session, request, target->container_id, &settled, err) < 0)
		return -1;
	unfinished = *err;
	error_clear(err);
	if (session_need_store(session, err) < 0)
		return -1;
	if (settled.pending.container_id)
		plan.pending = &settled.pending;
	done = saves_first(session, request, target->container_id, err);
	if (done >= 0)
		done = done ? restore_stopped(&plan, result, err) : plan_and_execute(&plan, result, err);
	if (done != 0 && plan.pending)
		return tell_unfinished(session, target->container_id, &unfinished, done, err);
	return done < 0 ? -1 : 0;
}

int operation_run(struct session *session, const struct operation_request *request, struct operation_result *result,
		  struct error *err)
{
	cleanup_target struct target target = { 0 };
	const struct error none = { 0 };
	struct lock lock;
	int done, signal;

	if (target_resolve(session, request->target, true, &target, err) < 0)
		return -1;
	if (lock_take(session,
		      &(struct lock_request){ .container_id = target.container_id,
					      .what = kind_words(request->kind)->name,
					      .wait_s = session->settings->wait_s },
		      &lock, err) < 0)
		return -1;
	done = run_locked(session, request, &target, result, err);
	last_result_note(session, target.container_id, kind_words(request->kind)->name, done < 0 ? err : &none);
	signal = result->signal = lock_release_to_tell(&lock);
	if (result->version > 0 && !result->unchanged)
		warnings_versions(session, target.container_id);
	if (signal && done == 0)
		log_warning("SIG%s came while the operation ran; it was finished first", sigabbrev_np(signal));
	return done;
}
