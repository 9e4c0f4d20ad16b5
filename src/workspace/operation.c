#include "workspace/operation.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "workspace/drive.h"
#include "workspace/journal.h"
#include "workspace/lock.h"
#include "workspace/names.h"
#include "workspace/plan.h"
#include "workspace/prune.h"
#include "workspace/reclaim.h"
#include "workspace/recovery.h"
#include "workspace/run.h"
#include "workspace/signals.h"
#include "workspace/target.h"
#include "workspace/warnings.h"

static const char *const kind_names[] = { "create", "version", "rollback", "compact" };

int operation_check(const struct operation_request *request, struct error *err)
{
	cleanup_free char *name = NULL;
	int32_t number;

	if (!target_name_is_valid(request->target))
		return error_set(err, ERROR_USAGE, "'%s' can be neither a container id nor a bot id",
				 request->target);
	if (request->source && name_check_source(request->source, err) < 0)
		return -1;
	if (request->display_name) {
		name = name_check(request->display_name, err);
		return name ? 0 : -1;
	}
	return request->kind == OPERATION_ROLLBACK ? name_parse_version(request->version, &number, &name, err) : 0;
}

void operation_result_release(struct operation_result *result)
{
	free(result->container_id);
	free(result->display_name);
	free(result->runtime_name);
	free(result->snapshotter);
	free(result->source);
	for (size_t i = 0; i < result->unsaved_mount_count; i++)
		free(result->unsaved_mounts[i]);
	free(result->unsaved_mounts);
	*result = (struct operation_result){ 0 };
}

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

/* The layers were to be merged and were not: for a compaction that is all that it was for. */
static int report_unmerged(const struct run *run, struct error *err)
{
	const char *id = run->record->container_id, *why = run->merge_error.message;

	run->result->layers_merged = 0;
	if (run->record->kind == OPERATION_COMPACT)
		return error_set(err, ERROR_FAILED, "'%s' runs on with the layers it had: %s", id, why);
	log_warning("the layers of '%s' could not be merged: %s", id, why);
	return 0;
}

/* What planning says of --if-changed without a change, and of a compaction with nothing to merge. */
#define NOTHING_TO_DO 1

static int execute(const struct plan *plan, struct operation_result *result, struct error *err)
{
	cleanup_record struct record record = { 0 };
	struct run run = { .session = plan->session, .record = &record, .result = result };
	int done = plan_make(plan, &record, &run.network, result, err);

	if (done == 0) {
		done = drive(&run, "journal", err);
		keep_names(&record, result);
	}
	run_end(&run);
	if (done == 0 && run.merge_error.kind != ERROR_NONE)
		done = report_unmerged(&run, err);
	return done;
}

/* An operation that is still pending can be taken over: a missing network by every operation, since
 * each attaches it anew; a start that fails by a rollback to something that starts. *err is what is pending then. */
static int settle_earlier(struct session *session, const struct operation_request *request,
			  const char *container_id, struct settled *settled, struct error *err)
{
	const struct record *pending = &settled->pending;

	if (recovery_settle(session, container_id, settled, err) == 0) {
		if (settled->what)
			log_warning("an earlier operation on '%s' was finished first: %s", container_id,
				    settled->what);
		return 0;
	}
	if (pending->container_id && (!pending->start_pending || request->kind == OPERATION_ROLLBACK))
		return 0;
	error_wrap(err, "'%s' has an unfinished operation", container_id);
	return -1;
}

/* What was to be taken over was not: as long as there is a record it is as unfinished as before. */
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

static int run_locked(struct session *session, const struct operation_request *request,
		      const struct target *target, struct operation_result *result, struct error *err)
{
	cleanup_settled struct settled settled = { 0 };
	struct error unfinished;
	struct plan plan = { .session = session,
			     .request = request,
			     .container_id = target->container_id,
			     .bot_id = target->bot_id };
	int done;

	if (settle_earlier(session, request, target->container_id, &settled, err) < 0)
		return -1;
	unfinished = *err;
	error_clear(err);
	if (session_need_store(session, err) < 0)
		return -1;
	if (settled.pending.container_id)
		plan.pending = &settled.pending;
	done = execute(&plan, result, err);
	if (done != 0 && plan.pending)
		return tell_unfinished(session, target->container_id, &unfinished, done, err);
	return done < 0 ? -1 : 0;
}

int operation_run(struct session *session, const struct operation_request *request,
		  struct operation_result *result, struct error *err)
{
	cleanup_target struct target target = { 0 };
	struct signals signals = { 0 };
	cleanup_fd int lock = -1;
	int done, signal;

	if (operation_check(request, err) < 0 || target_resolve(session, request->target, true, &target, err) < 0)
		return -1;
	lock = lock_take(session, target.container_id, kind_names[request->kind], session->settings->wait_s, err);
	if (lock < 0)
		return -1;
	signals_hold(&signals);
	done = run_locked(session, request, &target, result, err);
	signal = signals_release_to_tell(&signals);
	if (result->version > 0 && !result->unchanged)
		warnings_versions(session, target.container_id);
	if (signal && done == 0)
		log_warning("SIG%s came while the operation ran; it was finished first", sigabbrev_np(signal));
	return done;
}

struct recover_all {
	struct session *session;
	recovered_each each;
	void *context;
	bool is_one;
	int signal; /* that asks us to end */
	size_t failures;
	struct error first; /* of the failures */
};

static int tell_recovered(struct recover_all *all, const char *operation_id, const char *container_id, char *what,
			  struct error *failure, struct error *err)
{
	struct recovered recovered = { .what = failure->kind ? failure->message : what, .failed = failure->kind };
	cleanup_free char *id = strdup(container_id);

	if (!id)
		return error_memory(err);
	snprintf(recovered.operation_id, sizeof(recovered.operation_id), "%s", operation_id);
	recovered.container_id = id;
	if (failure->kind && all->failures++ == 0)
		all->first = *failure;
	return all->each(&recovered, all->context, err);
}

/* 1: there was nothing to tell, 0: finished, -1: *failure. */
static int recover_locked(struct recover_all *all, const char *container_id, struct settled *settled,
			  struct error *failure)
{
	struct signals signals = { 0 };
	int done;

	signals_hold(&signals);
	done = recovery_settle(all->session, container_id, settled, failure);
	all->signal = signals_release(&signals);
	return done == 0 && !settled->what ? 1 : done;
}

static int recover_next(const char *container_id, void *context, struct error *err)
{
	struct recover_all *all = context;
	cleanup_settled struct settled settled = { 0 };
	struct error failure = { 0 };
	unsigned wait_s = all->session->settings->wait_s;
	cleanup_fd int lock = lock_take(all->session, container_id, "recover", wait_s, &failure);

	/* What another run is at is in its hands. */
	if (lock < 0 && failure.kind == ERROR_BUSY && !all->is_one && wait_s == 0)
		return 0;
	if (lock >= 0 && recover_locked(all, container_id, &settled, &failure) > 0)
		return 0;
	if (tell_recovered(all, settled.operation_id, container_id, settled.what, &failure, err) < 0)
		return -1;
	if (!all->signal || all->is_one)
		return 0;
	return error_set(err, ERROR_FAILED, "'%s' was looked at to its end, what comes behind it was not: "
			 "interrupted by SIG%s",
			 container_id, sigabbrev_np(all->signal));
}

static int tell_pruned(const char *container_id, int count, void *context, struct error *err)
{
	struct error none = { 0 };
	cleanup_free char *what = text_format("%d versions that were marked to go are gone", count);

	return what ? tell_recovered(context, "", container_id, what, &none, err) : error_memory(err);
}

/* What waits for the database is not nothing. */
static int recover_prunings(struct recover_all *all, const char *container_id, struct error *err)
{
	int waiting;

	if (all->session->store)
		return prune_finish(all->session, container_id, tell_pruned, all, err);
	waiting = prune_count_unfinished(all->session, container_id, err);
	if (waiting <= 0)
		return waiting;
	error_set(err, ERROR_DATABASE, "%d versions are marked to go, which needs the database", waiting);
	return error_hint(err, "once it can be reached, 'wsnap recover' does the rest");
}

static int first_failure(const struct recover_all *all, struct error *err)
{
	if (all->failures == 0)
		return 0;
	*err = all->first;
	if (all->failures > 1)
		error_wrap(err, "%zu operations could not be finished; the first", all->failures);
	return -1;
}

int operation_recover(struct session *session, const char *container_id, recovered_each each, void *context,
		      struct error *err)
{
	struct recover_all all = {
		.session = session, .each = each, .context = context, .is_one = container_id != NULL
	};
	int exists = 1, pruned;

	if (session_open_state(session, err) < 0)
		return -1;
	if (container_id)
		exists = journal_exists(session, container_id, err);
	if (exists < 0)
		return -1;
	if ((container_id && exists && recover_next(container_id, &all, err) < 0) ||
	    (!container_id && journal_each(session, recover_next, &all, err) < 0))
		return -1;
	if (!container_id && reclaim_tidy(session, err) < 0)
		return -1;
	pruned = recover_prunings(&all, container_id, err);
	return first_failure(&all, err) < 0 ? -1 : pruned;
}

/* Whether anything was done to the workspace. */
static bool finish_earlier(struct session *session, const char *container_id)
{
	cleanup_settled struct settled settled = { 0 };
	struct signals signals = { 0 };
	struct error err = { 0 };
	cleanup_fd int lock = -1;

	if (session_open_state(session, &err) < 0 || journal_exists(session, container_id, &err) != 1)
		return false;
	lock = lock_take(session, container_id, "recover", 0, &err);
	if (lock < 0)
		return false;
	signals_hold(&signals);
	if (recovery_settle(session, container_id, &settled, &err) < 0)
		log_warning("'%s' has an unfinished operation: %s", container_id, err.message);
	else if (settled.what)
		log_warning("an earlier operation on '%s' was finished first: %s", container_id, settled.what);
	signals_release(&signals);
	return true;
}

int operation_find_target(struct session *session, const char *word, bool must_exist, struct target *target,
			  struct error *err)
{
	if (target_resolve(session, word, must_exist, target, err) < 0)
		return -1;
	if (!finish_earlier(session, target->container_id))
		return 0;
	target_release(target);
	if (session_need_store(session, err) < 0)
		return -1;
	return target_resolve(session, word, must_exist, target, err);
}

void operation_bring_back(struct session *session, const char *word)
{
	cleanup_target struct target target = { 0 };
	struct error err = { 0 };
	/* A container that is gone may have left a record under its id. */
	bool known = target_resolve(session, word, false, &target, &err) == 0;

	finish_earlier(session, known ? target.container_id : word);
}
