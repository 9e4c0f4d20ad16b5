/*
 * Pruning every workspace of the namespace. What all of them ask for is looked at once, and containerd collects for many
 * at a time: each collection goes over all that it has.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "prune/prune.h"
#include "prune/prune_work.h"
#include "store/workspaces.h"
#include "workspace/host.h"
#include "workspace/survey.h"

/* Workspaces that wait for one collection. */
#define BATCH 100

/* A workspace whose versions are given up, and whose result is not told yet. */
struct waiting {
	struct pruning pruning;
	struct prune_result result;
	struct error failure;
	bool begun;
};

struct fleet {
	struct session *session;
	const struct prune_request *request;
	prune_each each;
	void *context;
	struct waiting *waiting; /* room for BATCH */
	size_t count;
	struct failures failures;
	int signal;
};

/* The history of a container that is gone is left alone: somebody may want it back. A row may name another namespace than
 * the one its container is in. 1, 0, -1. */
static int is_ours(struct session *session, const struct store_workspace *row, struct error *err)
{
	if (!names_set_has(&session->survey->containers, row->container_id))
		return 0;
	return row->fault ? 1 : host_has_row(session, row, err);
}

static int tell_one(struct fleet *fleet, struct waiting *one, struct error *err)
{
	struct error *failure = &one->failure;

	if (one->begun && pruning_end(&one->pruning, &one->result, failure) == 0)
		error_clear(failure);
	failures_note(&fleet->failures, failure);
	return fleet->each(&one->result, failure->kind == ERROR_NONE ? NULL : failure, fleet->context, err);
}

/* Only the figures need this: containerd also collects by itself. */
static void collect(struct fleet *fleet)
{
	struct error late = { 0 };
	size_t i = 0;

	while (i < fleet->count && !(fleet->waiting[i].begun && pruning_wants_collection(&fleet->waiting[i].pruning)))
		i++;
	if (i < fleet->count && reclaim_collect(fleet->session, &late) < 0)
		log_warning("what the versions gave back is not collected yet: %s", late.message);
}

/* Called after a failure as well, so that what has gone is told. */
static int tell_all(struct fleet *fleet, struct error *err)
{
	int result = 0;

	collect(fleet);
	for (size_t i = 0; i < fleet->count; i++) {
		if (result == 0)
			result = tell_one(fleet, &fleet->waiting[i], err);
		pruning_release(&fleet->waiting[i].pruning);
		prune_result_release(&fleet->waiting[i].result);
	}
	fleet->count = 0;
	return result;
}

static int prune_one(struct fleet *fleet, const char *container_id, struct error *err)
{
	struct waiting *one = &fleet->waiting[fleet->count++];
	cleanup_target struct target target = { 0 };

	*one = (struct waiting){ .pruning = { .session = fleet->session, .request = fleet->request } };
	if (target_find(fleet->session, container_id, &target, &one->failure) == 0)
		one->begun = pruning_begin(&one->pruning, &target, &one->result, &fleet->signal, &one->failure) == 0;
	if (!one->result.container_id)
		one->result.container_id = strdup(container_id);
	if (!one->result.container_id)
		return error_memory(err);
	return fleet->count == BATCH ? tell_all(fleet, err) : 0;
}

static int prune_rows(struct fleet *fleet, const struct store_workspaces *rows, struct error *err)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct store_workspace *row = &rows->items[i];
		int ours = row->versions > 0 || row->fault ? is_ours(fleet->session, row, err) : 0;

		if (ours < 0)
			return -1;
		if (ours == 0)
			continue;
		if (fleet->signal)
			return error_set(err, ERROR_FAILED,
					 "interrupted by SIG%s: '%s' and the workspaces after it were not looked at",
					 sigabbrev_np(fleet->signal), row->container_id);
		if (prune_one(fleet, row->container_id, err) < 0)
			return -1;
	}
	return 0;
}

static int prune_fleet(struct fleet *fleet, const struct store_workspaces *rows, struct error *err)
{
	struct error late = { 0 };
	int result = prune_rows(fleet, rows, err);

	if (tell_all(fleet, &late) < 0 && result == 0) {
		*err = late;
		result = -1;
	}
	return result < 0 ? -1 : failures_first(&fleet->failures, err);
}

int prune_run_all(struct session *session, const struct prune_request *request, prune_each each, void *context,
		  struct error *err)
{
	cleanup_store_workspaces struct store_workspaces rows = { 0 };
	cleanup_survey struct survey survey = { 0 };
	cleanup_free struct waiting *waiting = calloc(BATCH, sizeof(*waiting));
	struct fleet fleet = {
		.session = session, .request = request, .each = each, .context = context, .waiting = waiting
	};
	int result;

	if (!waiting)
		return error_memory(err);
	if (session_open_state(session, err) < 0 || store_workspace_list(session->store, &rows, err) < 0 ||
	    survey_take(session, &survey, err) < 0)
		return -1;
	survey.only_look = request->dry_run;
	session->survey = &survey;
	result = prune_fleet(&fleet, &rows, err);
	session->survey = NULL;
	return result;
}
