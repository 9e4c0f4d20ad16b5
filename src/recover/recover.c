#include "recover/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/namespaces.h"
#include "fork/fork_finish.h"
#include "operation/around.h"
#include "operation/recovery.h"
#include "operation/rows.h"
#include "prune/prune.h"
#include "prune/reclaim.h"
#include "view/stale.h"
#include "workspace/journal.h"
#include "workspace/lock.h"

struct recover_all {
	struct session *session;
	recovered_each each;
	void *context;
	bool is_one;
	bool break_lock; /* by the operator's word */
	int signal;      /* that asks us to end */
	struct failures failures;
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
	failures_note(&all->failures, failure);
	return all->each(&recovered, all->context, err);
}

static void tell_broken(const struct lock *lock)
{
	cleanup_free char *words = lock->lease.broken ? holder_words(&lock->lease.held_by) : NULL;

	if (words)
		log_warning("the lock of '%s' was taken away from another run (%s)", lock->lease.container_id, words);
}

/* 1 the lock is held; 0 another run has it, and will finish what there is; -1 *failure. */
static int take_lock(struct recover_all *all, const char *container_id, struct lock *lock, struct error *failure)
{
	const struct lock_request request = { .container_id = container_id,
					      .what = "recover",
					      .wait_s = all->session->settings->wait_s,
					      .break_it = all->break_lock };

	if (lock_take(all->session, &request, lock, failure) < 0)
		return failure->kind == ERROR_BUSY && !all->is_one && request.wait_s == 0 ? 0 : -1;
	tell_broken(lock);
	return 1;
}

/* 1: there was nothing to tell, 0: finished, -1: *failure. */
static int recover_locked(struct recover_all *all, const char *container_id, struct settled *settled,
			  struct error *failure)
{
	struct lock lock;
	int done = take_lock(all, container_id, &lock, failure);

	if (done <= 0)
		return done < 0 ? -1 : 1;
	done = recovery_settle(all->session, container_id, settled, failure);
	all->signal = lock_release(&lock);
	return done == 0 && !settled->what ? 1 : done;
}

static int recover_next(const char *container_id, void *context, struct error *err)
{
	struct recover_all *all = context;
	cleanup_settled struct settled settled = { 0 };
	struct error failure = { 0 };
	int done = recover_locked(all, container_id, &settled, &failure);

	if (done > 0)
		return 0;
	if (tell_recovered(all, settled.operation_id, container_id, settled.what, &failure, err) < 0)
		return -1;
	if (!all->signal || all->is_one)
		return 0;
	return error_set(err, ERROR_FAILED,
			 "interrupted by SIG%s: '%s' was finished, the workspaces after it were not looked at",
			 sigabbrev_np(all->signal), container_id);
}

/* The lock of its container is held. */
static int record_refused(const struct record *record, void *context, struct error *err)
{
	struct recover_all *all = context;
	struct error failure = { 0 };
	cleanup_free char *what = NULL;
	int32_t version = 0;
	int done = rows_write_refused(all->session, record, &version, &failure);

	if (done >= 0) {
		what = done > 0      ? strdup("what the database had refused is given up, and not recorded any more")
		       : version > 0 ? text_format("version %d is recorded, which the database had refused", version)
				     : strdup("what the database had refused is recorded");
		if (!what)
			return error_memory(err);
	}
	return tell_recovered(all, record->operation_id, record->container_id, what, &failure, err);
}

static int add_container(const struct record *record, void *context, struct error *err)
{
	return names_set_add(context, record->container_id, err);
}

/* Tries again to write rows that the database has refused: their cause may be gone by now. */
static int recover_refused(struct recover_all *all, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set ids = { 0 };

	if (journal_each_refused(all->session, container_id, add_container, &ids, err) < 0)
		return -1;
	for (size_t i = 0; i < ids.count; i++) {
		struct error failure = { 0 };
		struct lock lock;
		int done = take_lock(all, ids.items[i], &lock, &failure);

		if (done < 0)
			done = tell_recovered(all, "", ids.items[i], NULL, &failure, err);
		else if (done > 0)
			done = journal_each_refused(all->session, ids.items[i], record_refused, all, err);
		lock_release(&lock);
		if (done < 0)
			return -1;
	}
	return 0;
}

static int tell_pruned(const char *container_id, int count, void *context, struct error *err)
{
	struct error none = { 0 };
	cleanup_free char *what = text_format("%d versions that were marked to go are gone", count);

	return what ? tell_recovered(context, "", container_id, what, &none, err) : error_memory(err);
}

/* Without the database the prunings cannot be finished: if any are waiting, that is an error. */
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
	if (failures_first(&all->failures, err) == 0)
		return 0;
	if (all->failures.count > 1)
		error_wrap(err, "%zu operations could not be finished; the first", all->failures.count);
	return -1;
}

static int settle_fork(struct recover_all *all, const struct fork_lease *fork, struct error *err)
{
	struct error failure = { 0 };
	cleanup_free char *what = NULL;
	struct lock lock;
	int done = take_lock(all, fork->container_id, &lock, &failure);

	if (done > 0)
		done = fork_settle(all->session, fork, &what, &failure);
	else if (done == 0)
		return 0;
	done = tell_recovered(all, fork->operation_id, fork->container_id, what, &failure, err);
	lock_release(&lock);
	return done;
}

/* Their leases tell of them. */
static int recover_forks(struct recover_all *all, const char *container_id, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	struct fork_lease fork;

	if (ctr_lease_list(all->session->ctr, FORK_LEASES, &leases, err) < 0)
		return -1;
	for (size_t i = 0; i < leases.count; i++)
		if (fork_lease_read(&leases.items[i], &fork) &&
		    (!container_id || strcmp(container_id, fork.container_id) == 0) && settle_fork(all, &fork, err) < 0)
			return -1;
	return 0;
}

/* What remains is to run the operator's programs: an operation without the table of steps was cut off. */
static int settle_hooks(const char *container_id, void *context, struct error *err)
{
	struct recover_all *all = context;
	struct error failure = { 0 };
	cleanup_free char *what = strdup("the hooks that come after what was done to it were run");
	struct lock lock;
	int done = what ? take_lock(all, container_id, &lock, &failure) : error_memory(err);

	if (done > 0) {
		done = around_settle(all->session, container_id, NULL, &failure);
		lock_release(&lock);
	}
	return !what ? -1 : done == 0 ? 0 : tell_recovered(all, "", container_id, what, &failure, err);
}

/* Locks of runs that ended without a record: before they had written it, or after they had removed it. */
static int take_left_locks(struct recover_all *all, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set left = { 0 };

	if (lock_add_left(all->session, container_id, &left, err) < 0)
		return -1;
	for (size_t i = 0; i < left.count; i++) {
		/* One with a record was looked at already, and is still open. */
		int open = journal_exists(all->session, left.items[i], err);

		if (open < 0 || (open == 0 && recover_next(left.items[i], all, err) < 0))
			return -1;
	}
	return 0;
}

int recover_workspaces(struct session *session, const struct recover_request *request, recovered_each each,
		       void *context, struct error *err)
{
	const char *container_id = request->container_id;
	struct recover_all all = { .session = session,
				   .each = each,
				   .context = context,
				   .is_one = container_id != NULL,
				   .break_lock = request->break_lock };
	int exists = 1, pruned;

	if (session_open_state(session, err) < 0)
		return -1;
	if (container_id && !request->break_lock)
		exists = journal_exists(session, container_id, err);
	if (exists < 0)
		return -1;
	if ((container_id && exists && recover_next(container_id, &all, err) < 0) ||
	    (!container_id && journal_each(session, recover_next, &all, err) < 0))
		return -1;
	if (recover_refused(&all, container_id, err) < 0 || recover_forks(&all, container_id, err) < 0 ||
	    take_left_locks(&all, container_id, err) < 0 || (!container_id && reclaim_tidy(session, err) < 0) ||
	    view_remove_stale(session, container_id, err) < 0)
		return -1;
	pruned = recover_prunings(&all, container_id, err);
	if (around_each_left(session, container_id, settle_hooks, &all, err) < 0)
		return -1;
	return first_failure(&all, err) < 0 ? -1 : pruned;
}

int recover_namespaces(struct session *session, struct names_set *namespaces, struct error *err)
{
	if (session_open_state(session, err) < 0 || journal_namespaces(session, namespaces, err) < 0)
		return -1;
	return ctr_namespace_list(session->ctr, namespaces, err);
}

static int tell_finished_first(const struct recovered *recovered, void *context, struct error *err)
{
	(void)context;
	(void)err;
	if (recovered->failed)
		log_warning("'%s' is a fork that is not finished yet: %s", recovered->container_id, recovered->what);
	else
		log_warning("an earlier operation on '%s' was finished first: %s", recovered->container_id,
			    recovered->what);
	return 0;
}

void recover_left_forks(struct session *session)
{
	struct settings settings = *session->settings;
	struct session own = *session;
	struct recover_all all = { .session = &own, .each = tell_finished_first };
	struct error failure = { 0 };

	settings.wait_s = 0;
	own.settings = &settings;
	if (recover_forks(&all, NULL, &failure) < 0)
		log_detail("%s", failure.message);
	session->state_dir = own.state_dir;
	session->store = own.store;
}
