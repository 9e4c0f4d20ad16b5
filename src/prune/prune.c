#include "prune/prune.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "operation/recovery.h"
#include "prune/prune_plan.h"
#include "prune/prune_steps.h"
#include "prune/reclaim.h"
#include "store/workspaces.h"
#include "workspace/home.h"
#include "workspace/lock.h"
#include "workspace/signals.h"

/* One workspace while it is worked on. */
struct pruning {
	struct session *session;
	const struct prune_request *request;
	const struct target *target;
	struct inventory inventory;
	bool *goes; /* one for each version */
	struct names_set given_up;
	struct reclaim reclaim;
	struct error failure; /* of the first version that could not be marked */
};

static void pruning_release(struct pruning *pruning)
{
	inventory_release(&pruning->inventory);
	free(pruning->goes);
	names_set_release(&pruning->given_up);
	reclaim_release(&pruning->reclaim);
}

void prune_result_release(struct prune_result *result)
{
	for (size_t i = 0; i < result->removed_count; i++) {
		free(result->removed[i].display_name);
		free(result->removed[i].runtime_name);
	}
	free(result->removed);
	free(result->kept);
	free(result->container_id);
	*result = (struct prune_result){ 0 };
}

static int decide(struct pruning *pruning, struct error *err)
{
	const struct prune_request *request = pruning->request;
	struct inventory *inventory = &pruning->inventory;
	int decided;

	if (inventory_read(pruning->session, pruning->target, inventory, err) < 0)
		return -1;
	pruning->goes = calloc(inventory->version_count + 1, sizeof(*pruning->goes));
	if (!pruning->goes)
		return error_memory(err);
	if (request->version_count)
		decided = prune_plan_named(pruning->session, request, inventory, pruning->target->container_id,
					   pruning->goes, err);
	else
		decided = prune_plan_by_rules(request, clock_unix_ns(), inventory, pruning->target->container_id,
					      pruning->goes, err);
	if (decided < 0)
		return -1;
	return prune_plan_given_up(inventory, pruning->goes, &pruning->given_up, err);
}

/* A size that cannot be told keeps no version. */
static int tell_sizes(struct pruning *pruning, struct error *err)
{
	if (reclaim_size(pruning->session, &pruning->reclaim, err) == 0)
		return 0;
	if (err->kind == ERROR_CONTAINERD)
		return -1;
	log_warning("what the versions of '%s' give back cannot be told: %s", pruning->target->container_id,
		    err->message);
	error_clear(err);
	return 0;
}

static int foresee(struct pruning *pruning, struct error *err)
{
	const struct names_set *snapshotters = &pruning->inventory.snapshotters;
	const struct target *target = pruning->target;
	const struct reclaim_owner of = { .container_id = target->container_id,
					  .snapshot_key = target->present ? target->container.snapshot_key : NULL };

	if (pruning->given_up.count == 0)
		return 0;
	for (size_t i = 0; i < snapshotters->count; i++)
		if (reclaim_foresee(pruning->session, snapshotters->items[i], &of, &pruning->given_up,
				    &pruning->reclaim, err) < 0)
			return -1;
	return tell_sizes(pruning, err);
}

/* A version whose snapshot cannot be marked stays, and the others go on. Without containerd nothing goes on. */
static int mark(struct pruning *pruning, struct error *err)
{
	cleanup_names_set struct names_set marked = { 0 };
	struct inventory *inventory = &pruning->inventory;

	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];
		struct error failure = { 0 };

		if (!pruning->goes[i] || !names_set_has(&pruning->given_up, version->row.runtime_name) ||
		    names_set_has(&marked, version->row.runtime_name))
			continue;
		if (prune_mark(pruning->session, pruning->target->container_id, version->snapshot, &failure) == 0) {
			if (names_set_add(&marked, version->row.runtime_name, err) < 0)
				return -1;
			continue;
		}
		error_wrap(&failure, "version %d of '%s' stays", version->row.version, pruning->target->container_id);
		if (failure.kind == ERROR_CONTAINERD) {
			*err = failure;
			return marked.count ? prune_incomplete(pruning->target->container_id, err) : -1;
		}
		pruning->goes[i] = false;
		if (pruning->failure.kind == ERROR_NONE)
			pruning->failure = failure;
	}
	names_set_release(&pruning->given_up);
	pruning->given_up = marked;
	marked = (struct names_set){ 0 };
	return 0;
}

static int carry_out(struct pruning *pruning, struct error *err)
{
	struct error late = { 0 };

	if (store_check_deletable(pruning->session->store, err) < 0 || mark(pruning, err) < 0 ||
	    prune_complete(pruning->session, pruning->target->container_id, &pruning->inventory, pruning->goes,
			   &pruning->given_up, err) < 0)
		return -1;
	if (pruning->given_up.count == 0)
		return 0;
	/* The versions are given up for good; containerd also collects when it sees fit. */
	if (reclaim_collect(pruning->session, &late) < 0 ||
	    reclaim_measure(pruning->session, &pruning->reclaim, &late) < 0)
		log_warning("what the versions of '%s' gave back cannot be told: %s", pruning->target->container_id,
			    late.message);
	return 0;
}

/* For every snapshot of the inventory the lowest version that stays and stands on it; 0: none. */
static void find_holders(const struct pruning *pruning, int32_t *holders)
{
	const struct inventory *inventory = &pruning->inventory;

	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];
		const struct inventory_snapshot *at = pruning->goes[i] ? NULL : version->snapshot;

		/* What a lower version has marked, it has marked down to the image. */
		while (at && holders[at - inventory->snapshots] == 0) {
			holders[at - inventory->snapshots] = version->row.version;
			at = inventory_find(inventory, at->snapshotter, at->info.parent);
		}
	}
}

static int add_removed(const struct pruning *pruning, const struct inventory_version *version, const int32_t *holders,
		       struct pruned_version *removed, struct error *err)
{
	const struct store_version *row = &version->row;
	const struct reclaim_layer *layer = reclaim_find(&pruning->reclaim, row->runtime_name);
	bool freed = layer && (layer->gone || pruning->request->dry_run);

	*removed = (struct pruned_version){
		.version = row->version,
		.runtime_name = strdup(row->runtime_name),
		.display_name = row->display_name ? strdup(row->display_name) : NULL,
		.freed_bytes = freed ? layer->bytes : 0,
		.missing = !version->snapshot,
		.held = version->snapshot && !freed,
		.held_by = version->snapshot && !freed ? holders[version->snapshot - pruning->inventory.snapshots] : 0,
	};
	return removed->runtime_name && (removed->display_name || !row->display_name) ? 0 : error_memory(err);
}

static int tell(const struct pruning *pruning, struct prune_result *result, struct error *err)
{
	const struct inventory *inventory = &pruning->inventory;
	cleanup_free int32_t *holders = calloc(inventory->snapshot_count + 1, sizeof(*holders));

	result->kept = calloc(inventory->version_count + 1, sizeof(*result->kept));
	result->removed = calloc(inventory->version_count + 1, sizeof(*result->removed));
	if (!result->kept || !result->removed || !holders)
		return error_memory(err);
	find_holders(pruning, holders);
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];

		if (!pruning->goes[i])
			result->kept[result->kept_count++] = version->row.version;
		else if (add_removed(pruning, version, holders, &result->removed[result->removed_count++], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < pruning->reclaim.count; i++)
		if (pruning->reclaim.layers[i].gone || pruning->request->dry_run)
			result->freed_bytes += pruning->reclaim.layers[i].bytes;
	return 0;
}

static int prune_decided(struct pruning *pruning, struct prune_result *result, struct error *err)
{
	if (decide(pruning, err) < 0 || foresee(pruning, err) < 0)
		return -1;
	if (!pruning->request->dry_run && carry_out(pruning, err) < 0)
		return -1;
	if (tell(pruning, result, err) < 0)
		return -1;
	if (pruning->failure.kind == ERROR_NONE)
		return 0;
	*err = pruning->failure;
	return -1;
}

/* *target is the workspace as it stands behind that: it may have been put on another snapshot. */
static int settle(struct session *session, const char *container_id, struct target *target, struct error *err)
{
	cleanup_settled struct settled settled = { 0 };

	if (recovery_settle(session, container_id, &settled, err) < 0) {
		error_wrap(err, "'%s' has an unfinished operation", container_id);
		return -1;
	}
	if (settled.what)
		log_warning("an earlier operation on '%s' was finished first: %s", container_id, settled.what);
	if (session_need_store(session, err) < 0 || prune_finish_locked(session, container_id, err) < 0)
		return -1;
	return prune_find_target(session, container_id, target, err);
}

/* *signal: the number of one that came meanwhile, 0 for none. */
static int prune_target(struct session *session, const struct target *target, const struct prune_request *request,
			struct prune_result *result, int *signal, struct error *err)
{
	struct pruning pruning = { .session = session, .request = request, .target = target };
	cleanup_target struct target settled = { 0 };
	const struct lock_request lock_request = { .container_id = target->container_id,
						   .what = request->version_count ? "delete" : "prune",
						   .wait_s = session->settings->wait_s };
	struct signals signals = { 0 };
	struct lock lock = { .file = -1 };
	int done = 0;

	*signal = 0;
	result->container_id = strdup(target->container_id);
	if (!result->container_id)
		return error_memory(err);
	if (target_check_namespace(session, target->container_id, err) < 0)
		return -1;
	if (request->dry_run)
		signals_hold(&signals);
	else if (lock_take(session, &lock_request, &lock, err) < 0)
		return -1;
	if (!request->dry_run) {
		done = settle(session, target->container_id, &settled, err);
		pruning.target = &settled;
	}
	if (done == 0)
		done = prune_decided(&pruning, result, err);
	pruning_release(&pruning);
	*signal = request->dry_run ? signals_release(&signals) : lock_release(&lock);
	if (*signal)
		log_warning("SIG%s came while '%s' was pruned; it was finished first", sigabbrev_np(*signal),
			    target->container_id);
	return done;
}

int prune_run(struct session *session, const char *target_word, const struct prune_request *request,
	      struct prune_result *result, struct error *err)
{
	cleanup_target struct target target = { 0 };
	int signal;

	if (target_resolve(session, target_word, false, &target, err) < 0)
		return -1;
	return prune_target(session, &target, request, result, &signal, err);
}

/* Prunes one of many. What went wrong is in *failure. */
static int prune_one(struct session *session, const char *container_id, const struct prune_request *request,
		     prune_each each, void *context, int *signal, struct error *failure, struct error *err)
{
	cleanup_prune_result struct prune_result result = { 0 };
	cleanup_target struct target target = { 0 };

	int done = target_resolve(session, container_id, false, &target, failure);

	if (done == 0)
		done = prune_target(session, &target, request, &result, signal, failure);
	if (done == 0)
		error_clear(failure);
	if (!result.container_id)
		result.container_id = strdup(container_id);
	if (!result.container_id)
		return error_memory(err);
	return each(&result, failure->kind == ERROR_NONE ? NULL : failure, context, err);
}

/* The containers that containerd has: a row may name another namespace than the one its container is in. */
static int find_containers(struct session *session, struct names_set *present, struct error *err)
{
	cleanup_ctr_containers struct ctr_containers containers = { 0 };

	if (ctr_container_list(session->ctr, NULL, &containers, err) < 0)
		return -1;
	for (size_t i = 0; i < containers.count; i++)
		if (names_set_add(present, containers.items[i].id, err) < 0)
			return -1;
	return 0;
}

/* A container that is gone is ours where this host knows of it: the database may be shared. 1, 0, -1. */
static int is_ours(struct session *session, const struct store_workspace *row, const struct names_set *present,
		   struct error *err)
{
	if (names_set_has(present, row->container_id))
		return home_is_its_row(session, row, err);
	if (strcmp(row->namespace, session->settings->namespace) != 0 || !target_name_is_valid(row->container_id))
		return 0;
	return home_is_here(session, row->container_id, err);
}

int prune_run_all(struct session *session, const struct prune_request *request, prune_each each, void *context,
		  struct error *err)
{
	cleanup_store_workspaces struct store_workspaces rows = { 0 };
	cleanup_names_set struct names_set present = { 0 };
	struct error first = { 0 };
	int signal = 0;

	if (session_open_state(session, err) < 0 || store_workspace_list(session->store, &rows, err) < 0 ||
	    find_containers(session, &present, err) < 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++) {
		const struct store_workspace *row = &rows.items[i];
		struct error failure = { 0 };
		int ours = row->versions > 0 ? is_ours(session, row, &present, err) : 0;

		if (ours < 0)
			return -1;
		if (ours == 0)
			continue;
		if (signal)
			return error_set(err, ERROR_FAILED,
					 "'%s' and what comes behind it was not looked at: "
					 "interrupted by SIG%s",
					 row->container_id, sigabbrev_np(signal));
		if (prune_one(session, row->container_id, request, each, context, &signal, &failure, err) < 0)
			return -1;
		if (first.kind == ERROR_NONE)
			first = failure;
	}
	if (first.kind == ERROR_NONE)
		return 0;
	*err = first;
	return -1;
}
