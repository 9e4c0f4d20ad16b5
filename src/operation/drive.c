#include "operation/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "operation/changes.h"
#include "operation/salvage.h"
#include "operation/steps.h"
#include "workspace/journal.h"
#include "workspace/signals.h"

/* How long a workspace that is down waits for a containerd that restarts. */
#define CONTAINERD_PATIENCE_MS 60000
#define CONTAINERD_PAUSE_MS 200
/* The workspace runs again by then: a database that is away is left to recovery soon. */
#define DATABASE_PATIENCE_MS 3000
#define DATABASE_PAUSE_MS 300

static size_t step_index(const char *name)
{
	size_t index = 0;

	while (strcmp(steps[index].name, name) != 0)
		index++;
	return index;
}

static void note_step(struct run *run, const struct step *step, double ms)
{
	struct operation_result *result = run->result;

	if (result->step_count < OPERATION_MAX_STEPS)
		result->steps[result->step_count++] = (struct operation_step){ .name = step->name, .ms = ms };
	log_detail("%-8s %8.1f ms", step->name, ms);
}

/* Whether the step may be tried again after a pause, and makes what it needs anew. */
static bool may_retry(struct run *run, const struct step *step, double since_ms, const struct error *err)
{
	double waited = clock_monotonic_ms() - since_ms;

	if (err->kind == ERROR_CONTAINERD && run->record->stopping && waited < CONTAINERD_PATIENCE_MS) {
		clock_sleep_ms(CONTAINERD_PAUSE_MS);
		return true;
	}
	if (err->kind == ERROR_DATABASE && step->phase == PHASE_UP && waited < DATABASE_PATIENCE_MS) {
		struct error ignored = { 0 };

		clock_sleep_ms(DATABASE_PAUSE_MS);
		if (session_reopen_store(run->session, &ignored) < 0)
			log_detail("%s", ignored.message);
		return true;
	}
	return false;
}

static int run_step(struct run *run, const struct step *step, struct error *err)
{
	double since_ms = clock_monotonic_ms();
	int result = step->run(run, err);

	while (result < 0 && may_retry(run, step, since_ms, err)) {
		error_clear(err);
		result = step->run(run, err);
	}
	note_step(run, step, clock_monotonic_ms() - since_ms);
	return result;
}

/* A signal that came while nothing had happened yet: it is obeyed. */
static int check_signals(struct run *run, const struct step *step, struct error *err)
{
	int signal = step->phase == PHASE_BEFORE && !run->resumed ? signals_pending() : 0;

	if (signal == 0)
		return 0;
	return error_set(err, ERROR_FAILED, "'%s' was not touched: interrupted by SIG%s", run->record->container_id,
			 sigabbrev_np(signal));
}

static int run_steps(struct run *run, size_t first, size_t *failed, struct error *err)
{
	for (size_t i = first; i < step_count; i++) {
		*failed = i;
		if (check_signals(run, &steps[i], err) < 0 || run_step(run, &steps[i], err) < 0)
			return -1;
	}
	return 0;
}

/* A call whose answer never came may still be under way in containerd. Its writes come one after the other
 * (boltdb has one writer), so one of our own waits for it: and the way back needs the lease as well. */
static int wait_for_writes(struct run *run, struct error *err)
{
	return step_lease(run, err);
}

int drive_took_effect(struct run *run, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	const struct record *record = run->record;

	if (wait_for_writes(run, err) < 0)
		return -1;
	if (record_saves(record)) {
		int saved = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->saved, NULL, err);

		if (saved == 0)
			saved = salvage_is_needed(run, err);
		if (saved != 0 || record->save == SAVE_ALWAYS)
			return saved;
	}
	if (ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0)
		return -1;
	return strcmp(container.snapshot_key, record->new_active) == 0;
}

/* Exchanges the names so that the same steps lead back. */
static int turn_record(struct record *record, bool saved, const char *why, struct error *err)
{
	char *back = strdup(saved ? record->back_active : record->old_active);
	char *reason = strdup(why);

	if (!back || !reason) {
		free(back);
		free(reason);
		return error_memory(err);
	}
	free(record->turned_from);
	free(record->failure);
	record->turned_from = record->new_active;
	record->new_active = back;
	record->failure = reason;
	record->turned_back = true;
	record->nothing_saved = !saved;
	record->depth = 0;
	return 0;
}

static int incomplete(struct run *run, const char *state, struct error *err)
{
	error_wrap(err, "'%s' %s", run->record->container_id, state);
	err->kind = ERROR_INCOMPLETE;
	return error_hint(err, "'wsnap recover %s' does the rest", run->record->container_id);
}

static int down(struct run *run, struct error *err)
{
	char state[64];

	snprintf(state, sizeof(state), "%s, but is down", record_what_is(run->record));
	return incomplete(run, state, err);
}

/* The task does not start on what is its own state: the version is recorded, the start is left. */
static int leave_start(struct run *run, struct error *err)
{
	struct record *record = run->record;
	size_t failed;

	free(record->failure);
	record->failure = strdup(err->message);
	record->start_pending = true;
	error_clear(err);
	if (run_steps(run, step_index("unhold"), &failed, err) == 0)
		return error_memory(err); /* `release` always reports what is pending */
	if (err->kind == ERROR_INCOMPLETE)
		return -1;
	return down(run, err);
}

/* A step of the way back failed. */
static int fail_back(struct run *run, const struct step *step, struct error *err)
{
	const struct record *record = run->record;

	if (err->kind == ERROR_INCOMPLETE)
		return -1;
	/* Nothing of the workspace was touched: containerd's own absence is the whole story. */
	if (!record->stopping && !record->restart_status && err->kind == ERROR_CONTAINERD)
		return error_hint(err, "'wsnap recover %s' tidies up once containerd is back", record->container_id);
	if (step->run == step_start && err->kind != ERROR_CONTAINERD)
		return leave_start(run, err);
	if (run->orphaned)
		return incomplete(run, "is not ours any more, and what was saved of it is not recorded yet", err);
	if (step->phase != PHASE_UP || (step->run == step_unhold && record->restart_status))
		return incomplete(run, "is not as it was yet", err);
	if (record->recorded)
		return incomplete(run, "is back as it was, but not all is tidied up", err);
	return incomplete(run,
			  record_saves(record) ? "is back as it was, but what it saved is not recorded yet"
					       : "is back as it was, but not all is tidied up",
			  err);
}

int drive_back(struct run *run, const char *why, struct error *err)
{
	struct record *record = run->record;
	struct error ignored = { 0 };
	bool touched = record->stopping;
	size_t failed;
	int saved = 0;

	if (!record->turned_back) {
		if (touched && record_saves(record))
			saved = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->saved, NULL, err);
		if (saved < 0 || turn_record(record, saved > 0, why, err) < 0)
			return incomplete(run, "is not as it was yet", err);
		/* Without this the next run comes to the same conclusion from what it finds. */
		if (journal_save(run->session, record, &ignored) < 0)
			log_detail("%s", ignored.message);
	}
	if (touched && wait_for_writes(run, err) < 0)
		return incomplete(run, "is not as it was yet", err);
	if (run_steps(run, step_index(touched ? "prepare" : "unhold"), &failed, err) == 0)
		return 0;
	return fail_back(run, &steps[failed], err);
}

/* Back to the state before; *err is why, and stays what is reported if the way back succeeds. */
static int go_back(struct run *run, struct error *err)
{
	struct error back = { 0 };
	char why[512];

	snprintf(why, sizeof(why), "%.500s", err->message);
	log_detail("going back: %s", err->message);
	if (drive_back(run, why, &back) == 0)
		return -1;
	error_wrap(&back, "%s; on the way back", why);
	*err = back;
	return -1;
}

static int report_rollback(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	struct error cause = *err;

	if (cause.kind == ERROR_INCOMPLETE)
		return -1;
	error_set(err, ERROR_FAILED, "'%s' could not be started on version %d and is back as it was: %s",
		  record->container_id, record->rollback_to, cause.message);
	if (run->result->version > 0)
		return error_hint(err, "its state before is saved as version %d as well", run->result->version);
	return -1;
}

/* Whether the workspace has run on the rollback's target since an earlier run started it: then that is its state, which
 * going back would lose. */
static bool was_used(struct run *run)
{
	struct error unknown = { 0 };

	return run->resumed && run->repointed &&
	       changes_none(run->session, run->record->snapshotter, run->record->new_active, run->record->rollback_name,
			    &unknown) != 1;
}

static int fail_down(struct run *run, const struct step *step, struct error *err)
{
	struct error unknown = { 0 };
	int effect = drive_took_effect(run, &unknown);

	if (effect < 0 && !run->stop_sent)
		return incomplete(run, run->resumed ? "may be down" : "was not stopped, but its operation is not ended",
				  err);
	if (effect < 0)
		return incomplete(run, "is down", err);
	if (effect == 0)
		return go_back(run, err);
	if (run->record->kind == OPERATION_ROLLBACK && err->kind != ERROR_CONTAINERD && !was_used(run)) {
		go_back(run, err);
		return report_rollback(run, err);
	}
	if (step->run == step_start && err->kind != ERROR_CONTAINERD)
		return leave_start(run, err);
	return down(run, err);
}

/* A record that could not be made durable may be there all the same. */
static int leave_no_record(struct run *run)
{
	struct error ignored = { 0 };

	/* An earlier operation was to be taken over: its record, or ours, says what is pending. */
	if (!run->record->stopping && journal_remove(run->session, run->record->container_id, &ignored) < 0)
		log_detail("%s", ignored.message);
	return -1;
}

static int fail(struct run *run, const struct step *step, struct error *err)
{
	if (err->kind == ERROR_INCOMPLETE)
		return -1;
	if (run->record->turned_back)
		return fail_back(run, step, err);
	switch (step->phase) {
	case PHASE_BEFORE:
		/* A resumed run goes forward from what has taken effect: there is no way back from here. */
		if (run->resumed)
			return incomplete(run, "has an operation that is not ended yet", err);
		return step->run == step_journal ? leave_no_record(run) : go_back(run, err);
	case PHASE_DOWN:
		return fail_down(run, step, err);
	case PHASE_UP:
		break;
	}
	if (run->record->recorded)
		return incomplete(run, "is back and what was done is recorded, but not all is tidied up", err);
	return incomplete(run,
			  record_saves(run->record) ? "is back and its state is saved, but that is not recorded yet"
						    : "is back, but what was done is not recorded yet",
			  err);
}

int drive(struct run *run, const char *first, struct error *err)
{
	size_t failed = 0;

	if (run_steps(run, step_index(first), &failed, err) == 0)
		return 0;
	return fail(run, &steps[failed], err);
}
