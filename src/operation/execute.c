#include "operation/execute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctr/snapshots.h"
#include "operation/effect.h"
#include "operation/lease.h"
#include "operation/orphan.h"
#include "operation/restart.h"
#include "operation/verdict.h"
#include "workspace/journal.h"
#include "workspace/signals.h"

/* How long a workspace that is down waits for a containerd that restarts. */
#define CONTAINERD_PATIENCE_MS 60000
#define CONTAINERD_PAUSE_MS 200
/* By then the workspace runs again, so a missing database is not waited for long: recovery writes the rows. */
#define DATABASE_PATIENCE_MS 3000
#define DATABASE_PAUSE_MS 300

static void note_step(struct run *run, const struct step *step, double ms)
{
	struct operation_result *result = run->result;

	if (result->step_count < OPERATION_MAX_STEPS)
		result->steps[result->step_count++] = (struct operation_step){ .name = step->name, .ms = ms };
	log_detail("%-8s %8.1f ms", step->name, ms);
}

/* Somebody who deletes leases may do so again. */
#define LOST_LEASES_MAX 20

/* A change of the files that has begun is not begun again. */
static bool may_begin_again(const struct run *run, const struct step *step)
{
	return !run->restore || step->phase != PHASE_BEFORE;
}

/* Without its lease containerd refuses what an operation asks for, and has perhaps collected what it had made. The step makes
 * that anew. */
static bool has_new_lease(struct run *run, const struct step *step, struct error *err)
{
	struct error failure = { 0 };
	int lost;

	if (err->kind == ERROR_CONTAINERD || err->kind == ERROR_INCOMPLETE || step < &steps[STEP_BLUEPRINT] ||
	    step >= &steps[STEP_POST_HOOK])
		return false;
	lost = lease_is_lost(run, &failure) == 1;
	/* It is not the user's word that was not found. */
	if (err->kind == ERROR_NOT_FOUND && (lost || run->lost_leases > 0))
		err->kind = ERROR_FAILED;
	if (!lost || !may_begin_again(run, step) || run->lost_leases++ == LOST_LEASES_MAX ||
	    lease_take(run, &failure) < 0)
		return false;
	log_detail("the lease of the operation on '%s' was gone: %s", run->record->container_id, err->message);
	return true;
}

/* Whether the step is to be tried again. If so, this has paused, and has connected to the database anew. */
static bool may_retry(struct run *run, const struct step *step, double since_ms, struct error *err)
{
	double waited = clock_monotonic_ms() - since_ms;

	if (err->kind == ERROR_CONTAINERD && run->record->stage != STAGE_PLANNED && waited < CONTAINERD_PATIENCE_MS) {
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
	return has_new_lease(run, step, err);
}

static int run_step(struct run *run, const struct step *step, struct error *err)
{
	double since_ms = clock_monotonic_ms();
	int result = step_is_skipped(step, run) ? 0 : step->run(run, err);

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
	int signal = step->phase == PHASE_BEFORE && !run->resumed && !run->changed ? signals_pending() : 0;

	if (signal == 0)
		return 0;
	return error_set(err, ERROR_FAILED, "'%s' was not touched: interrupted by SIG%s", run->record->container_id,
			 sigabbrev_np(signal));
}

static int run_steps(struct run *run, enum step_entry entry, const struct step **failed, struct error *err)
{
	for (enum step_id id = step_first(entry); id < STEP_COUNT; id++) {
		*failed = &steps[id];
		if (check_signals(run, &steps[id], err) < 0 || run_step(run, &steps[id], err) < 0)
			return -1;
	}
	return 0;
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
	if (!saved)
		record->save = SAVE_NEVER;
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

/* The task does not start, though it stands on its own state, so going back would not help: the version is recorded,
 * and the start is left to recovery. */
static int leave_start(struct run *run, struct error *err)
{
	struct record *record = run->record;
	const struct step *failed;

	free(record->failure);
	record->failure = strdup(err->message);
	record->pending = PENDING_START;
	error_clear(err);
	if (run_steps(run, ENTRY_TIDY, &failed, err) == 0)
		return error_memory(err); /* `release` always reports what is pending */
	if (err->kind == ERROR_INCOMPLETE)
		return -1;
	return down(run, err);
}

static unsigned effect_facts(struct run *run, const struct error *err)
{
	struct error unknown = { 0 };
	int effect = effect_is_taken(run, &unknown);

	if (effect < 0)
		return FACT_EFFECT_UNKNOWN;
	if (effect == 0)
		return FACT_EFFECT_NONE;
	if (run->record->kind == OPERATION_ROLLBACK && err->kind != ERROR_CONTAINERD && effect_was_used(run))
		return FACT_EFFECT_TAKEN | FACT_USED;
	return FACT_EFFECT_TAKEN;
}

static unsigned step_facts(const struct step *step)
{
	static const unsigned phases[] = {
		[PHASE_BEFORE] = FACT_BEFORE,
		[PHASE_DOWN] = FACT_DOWN,
		[PHASE_UP] = FACT_UP,
	};
	static const unsigned failures[] = {
		[FAILURE_FORGETS] = FACT_FORGETS,
		[FAILURE_PENDS] = FACT_PENDS,
		[FAILURE_UNHELD] = FACT_UNHELD,
	};

	return phases[step->phase] | failures[step->failure];
}

static unsigned facts_of(struct run *run, const struct step *step, const struct error *err)
{
	const struct record *record = run->record;
	bool is_judged = err->kind == ERROR_INCOMPLETE;
	unsigned facts = step_facts(step) | (is_judged ? FACT_INCOMPLETE : 0u) |
			 (err->kind == ERROR_CONTAINERD ? FACT_CONTAINERD : 0u) |
			 (record->turned_back ? FACT_BACK : 0u) |
			 (record->stage == STAGE_PLANNED ? FACT_UNTOUCHED : 0u) |
			 (record->kind == OPERATION_ROLLBACK ? FACT_ROLLBACK : 0u) |
			 (record_saves(record) ? FACT_SAVES : 0u) | (record->recorded ? FACT_RECORDED : 0u) |
			 (record->restart_status ? FACT_MONITORED : 0u) | (run->resumed ? FACT_RESUMED : 0u) |
			 (run->stop_sent ? FACT_STOP_SENT : 0u) | (run_is_orphaned(run) ? FACT_ORPHANED : 0u);

	if (step->phase == PHASE_DOWN && !record->turned_back && !is_judged && !run_is_orphaned(run))
		facts |= effect_facts(run, err);
	return facts;
}

static int fail(struct run *run, const struct step *step, struct error *err);

int execute_back(struct run *run, const char *why, struct error *err)
{
	struct record *record = run->record;
	struct error ignored = { 0 };
	const struct step *failed;
	const char *reason;
	bool touched;
	int saved = 0;

	/* Beside it, it is down by an operation before this one alone, or by a start of the host. */
	if (record->live && restart_begin(run, err) < 0)
		return -1;
	touched = record->stage != STAGE_PLANNED;
	/* Why it does not start is what is told of it. */
	reason = record->pending == PENDING_START ? record->failure : why;
	if (!record->turned_back) {
		if (touched && record_saves(record))
			saved = run_has_saved(run, NULL, err);
		if (saved < 0 || turn_record(record, saved > 0, reason, err) < 0)
			return incomplete(run, "is not as it was yet", err);
		/* If this cannot be saved, the next run sees from the container itself that it has to go back. */
		if (journal_save(run->session, record, &ignored) < 0)
			log_detail("%s", ignored.message);
	}
	if (touched && effect_wait_for_writes(run, err) < 0)
		return incomplete(run, "is not as it was yet", err);
	if (run_steps(run, touched ? ENTRY_BACK : ENTRY_TIDY, &failed, err) == 0)
		return 0;
	return fail(run, failed, err);
}

/* Back to the state before; *err is why, and stays what is reported if the way back succeeds. */
static int go_back(struct run *run, struct error *err)
{
	struct error back = { 0 };
	char why[512];

	snprintf(why, sizeof(why), "%.500s", err->message);
	run->failure = err->kind;
	log_detail("going back: %s", err->message);
	if (execute_back(run, why, &back) == 0)
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

/* Saving the record has failed, but its file may be there nevertheless. */
static int leave_no_record(struct run *run)
{
	struct error ignored = { 0 };

	/* An earlier operation was to be taken over: its record, or ours, says what is pending. */
	if (run->record->stage == STAGE_PLANNED &&
	    journal_remove(run->session, run->record->container_id, &ignored) < 0)
		log_detail("%s", ignored.message);
	return -1;
}

static int leave_tidying(const struct run *run, struct error *err)
{
	return error_hint(err, "'wsnap recover %s' tidies up once containerd is back", run->record->container_id);
}

/* The step may have failed because the container was removed or replaced: then that is the error to report. */
static void look_again(struct run *run, const struct step *step, struct error *err)
{
	struct error found = { 0 };

	if (step->phase == PHASE_UP || run->record->turned_back || run_is_orphaned(run) ||
	    err->kind == ERROR_CONTAINERD || err->kind == ERROR_INCOMPLETE)
		return;
	if (orphan_check(run, &found) < 0 && run_is_orphaned(run))
		*err = found;
}

static int fail(struct run *run, const struct step *step, struct error *err)
{
	const struct verdict *verdict;

	/* There is no way back from files that were changed. */
	if (run->changed && step->phase == PHASE_BEFORE && err->kind != ERROR_INCOMPLETE)
		return incomplete(run, "is restored, but that is not recorded yet", err);
	look_again(run, step, err);
	verdict = verdict_of(facts_of(run, step, err));
	switch (verdict->action) {
	case VERDICT_REPORT:
		break;
	case VERDICT_FORGET:
		return leave_no_record(run);
	case VERDICT_TAKE_BACK:
		return go_back(run, err);
	case VERDICT_GIVE_UP:
		go_back(run, err);
		return report_rollback(run, err);
	case VERDICT_LEAVE_START:
		return leave_start(run, err);
	case VERDICT_LEAVE:
		return incomplete(run, verdict->said, err);
	case VERDICT_LEAVE_TIDYING:
		return leave_tidying(run, err);
	}
	return -1;
}

int execute(struct run *run, enum step_entry entry, struct error *err)
{
	const struct step *failed = NULL;

	if (run_steps(run, entry, &failed, err) == 0)
		return 0;
	return fail(run, failed, err);
}
