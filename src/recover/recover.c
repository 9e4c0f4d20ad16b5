#include "recover/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "operation/recovery.h"
#include "operation/rows.h"
#include "prune/prune.h"
#include "prune/reclaim.h"
#include "workspace/journal.h"
#include "workspace/lock.h"
#include "workspace/signals.h"

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
	return error_set(err, ERROR_FAILED,
			 "'%s' was looked at to its end, what comes behind it was not: "
			 "interrupted by SIG%s",
			 container_id, sigabbrev_np(all->signal));
}

/* The lock of its container is held. */
static int record_refused(const struct record *record, void *context, struct error *err)
{
	struct recover_all *all = context;
	struct error failure = { 0 };
	cleanup_free char *what = NULL;
	int32_t version = 0;

	if (rows_write_refused(all->session, record, &version, &failure) == 0) {
		what = version > 0 ? text_format("version %d is recorded, which the database had refused", version)
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

/* What the database would not take once: somebody may have changed what it asked for. */
static int recover_refused(struct recover_all *all, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set ids = { 0 };
	unsigned wait_s = all->session->settings->wait_s;

	if (journal_each_refused(all->session, container_id, add_container, &ids, err) < 0)
		return -1;
	for (size_t i = 0; i < ids.count; i++) {
		struct error failure = { 0 };
		cleanup_fd int lock = lock_take(all->session, ids.items[i], "recover", wait_s, &failure);

		if (lock < 0 && failure.kind == ERROR_BUSY && !all->is_one && wait_s == 0)
			continue;
		if ((lock < 0 ? tell_recovered(all, "", ids.items[i], NULL, &failure, err)
			      : journal_each_refused(all->session, ids.items[i], record_refused, all, err)) < 0)
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

int recover_workspaces(struct session *session, const char *container_id, recovered_each each, void *context,
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
	if (recover_refused(&all, container_id, err) < 0 || (!container_id && reclaim_tidy(session, err) < 0))
		return -1;
	pruned = recover_prunings(&all, container_id, err);
	return first_failure(&all, err) < 0 ? -1 : pruned;
}
