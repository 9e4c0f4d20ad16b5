#include "prune/prune.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "operation/around.h"
#include "operation/recovery.h"
#include "prune/prune_all.h"
#include "prune/prune_plan.h"
#include "prune/prune_steps.h"
#include "prune/prune_work.h"
#include "view/stale.h"
#include "workspace/lock.h"
#include "workspace/signals.h"

void pruning_release(struct pruning *pruning)
{
	inventory_release(&pruning->inventory);
	free(pruning->goes);
	names_set_release(&pruning->given_up);
	reclaim_release(&pruning->reclaim);
}

static int decide_all(struct pruning *pruning, struct error *err)
{
	for (size_t i = 0; i < pruning->inventory.version_count; i++) {
		if (prune_plan_check_keepers(&pruning->inventory.versions[i], pruning->target->container_id, err) < 0)
			return -1;
		pruning->goes[i] = true;
	}
	return prune_all_choose(&pruning->inventory, pruning->target->container_id, &pruning->given_up, err);
}

static int decide(struct pruning *pruning, struct error *err)
{
	const struct prune_request *request = pruning->request;
	struct inventory *inventory = &pruning->inventory;
	int decided;

	if (inventory_read(pruning->session, pruning->target, inventory, err) < 0)
		return -1;
	if (pruning->target->present)
		pruning->active = inventory_find(inventory, pruning->target->container.snapshotter,
						 pruning->target->container.snapshot_key);
	pruning->goes = calloc(inventory->version_count + 1, sizeof(*pruning->goes));
	if (!pruning->goes)
		return error_memory(err);
	if (request->all)
		return decide_all(pruning, err);
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

/* A version goes also where its size cannot be told. */
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
		if (prune_mark(pruning->session, pruning->target->container_id, version->snapshot, PRUNE_ALONE,
			       &failure) == 0) {
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
		failures_note(&pruning->failures, &failure);
	}
	names_set_release(&pruning->given_up);
	pruning->given_up = marked;
	marked = (struct names_set){ 0 };
	return 0;
}

static int let_all_go(struct pruning *pruning, struct error *err)
{
	const struct target *target = pruning->target;
	struct session *session = pruning->session;
	int32_t greatest;

	if (prune_all_keep_number(session, target, &pruning->inventory, &greatest, err) < 0 ||
	    prune_all_begin(session, &pruning->inventory, &pruning->given_up, err) < 0 ||
	    prune_all_mark(session, target->container_id, &pruning->inventory, greatest, &pruning->given_up, err) < 0)
		return -1;
	return prune_complete_all(pruning->session, target, pruning->operation_id, &pruning->inventory,
				  &pruning->given_up, err);
}

static int let_go(struct pruning *pruning, struct error *err)
{
	if (prune_keep_others(pruning->session, pruning->target->container_id, &pruning->inventory, pruning->goes,
			      err) < 0 ||
	    mark(pruning, err) < 0)
		return -1;
	return prune_complete(pruning->session, pruning->target->container_id, pruning->operation_id,
			      &pruning->inventory, pruning->goes, &pruning->given_up, err);
}

static bool is_delete(const struct prune_request *request)
{
	return request->version_count || request->all;
}

static bool anything_goes(const struct pruning *pruning)
{
	for (size_t i = 0; i < pruning->inventory.version_count; i++)
		if (pruning->goes[i])
			return true;
	return pruning->given_up.count > 0;
}

static int carry_out(struct pruning *pruning, struct error *err)
{
	const struct target *target = pruning->target;
	struct around around = {
		.session = pruning->session,
		.facts = { .operation = is_delete(pruning->request) ? "delete" : "prune",
			   .operation_id = pruning->operation_id,
			   .container_id = target->container_id,
			   .bot_id = target->bot_id,
			   .namespace = pruning->session->settings->namespace },
	};
	int done;

	if (store_check_deletable(pruning->session->store, err) < 0 ||
	    (anything_goes(pruning) && around_begin(&around, err) < 0))
		return -1;
	done = pruning->request->all ? let_all_go(pruning, err) : let_go(pruning, err);
	around_end(&around, (int)(done < 0 ? err->kind : pruning->failures.first.kind), 0);
	return done;
}

/* For every snapshot of the inventory the lowest version that stays and stands on it; 0: none. */
static void find_holders(const struct pruning *pruning, int32_t *holders)
{
	const struct inventory *inventory = &pruning->inventory;

	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];
		const struct inventory_snapshot *at = pruning->goes[i] ? NULL : version->snapshot;

		/* A lower version has marked everything from here down to the image already. */
		while (at && holders[at - inventory->snapshots] == 0) {
			holders[at - inventory->snapshots] = version->row.version;
			at = inventory_find(inventory, at->snapshotter, at->info.parent);
		}
	}
}

static bool is_under_workspace(const struct pruning *pruning, const struct inventory_snapshot *snapshot)
{
	const struct inventory_snapshot *at = pruning->active;

	while (at && at != snapshot)
		at = inventory_find(&pruning->inventory, at->snapshotter, at->info.parent);
	return at != NULL;
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
		.left = layer && layer->left ? strdup(layer->left) : NULL,
		.held = version->snapshot && !freed,
		.held_by = version->snapshot && !freed ? holders[version->snapshot - pruning->inventory.snapshots] : 0,
		.held_by_workspace = version->snapshot && is_under_workspace(pruning, version->snapshot),
	};
	return removed->runtime_name && (removed->display_name || !row->display_name) &&
			       (removed->left || !layer || !layer->left)
		       ? 0
		       : error_memory(err);
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

static int decide_and_carry_out(struct pruning *pruning, struct error *err)
{
	if (decide(pruning, err) < 0 || foresee(pruning, err) < 0)
		return -1;
	return pruning->request->dry_run ? 0 : carry_out(pruning, err);
}

bool pruning_wants_collection(const struct pruning *pruning)
{
	return !pruning->request->dry_run && pruning->given_up.count > 0;
}

int pruning_end(struct pruning *pruning, struct prune_result *result, struct error *err)
{
	struct error late = { 0 };

	/* The versions are given up for good, whether that can be told or not. */
	if (pruning_wants_collection(pruning) && reclaim_measure(pruning->session, &pruning->reclaim, &late) < 0)
		log_warning("what the versions of '%s' gave back cannot be told: %s", result->container_id,
			    late.message);
	if (tell(pruning, result, err) < 0)
		return -1;
	return failures_first(&pruning->failures, err);
}

/* *target is the workspace as it is afterwards: it may stand on another snapshot now. */
static int settle(struct session *session, const char *container_id, struct target *target, struct error *err)
{
	if (recovery_settle_first(session, container_id, err) < 0)
		return -1;
	/* A view that is not mounted any more would keep the layers under it, so it is removed first. */
	if (session_need_store(session, err) < 0 || view_remove_stale_locked(session, container_id, err) < 0 ||
	    prune_finish_locked(session, container_id, err) < 0)
		return -1;
	return prune_find_target(session, container_id, target, err);
}

int pruning_begin(struct pruning *pruning, const struct target *target, struct prune_result *result, int *signal,
		  struct error *err)
{
	struct session *session = pruning->session;
	bool dry_run = pruning->request->dry_run;
	cleanup_target struct target settled = { 0 };
	const struct lock_request lock_request = { .container_id = target->container_id,
						   .what = is_delete(pruning->request) ? "delete" : "prune",
						   .wait_s = session->settings->wait_s };
	struct signals signals = { 0 };
	struct lock lock = { .file = -1 };
	int done = 0;

	*signal = 0;
	id_random(pruning->operation_id);
	result->container_id = strdup(target->container_id);
	if (!result->container_id)
		return error_memory(err);
	if (target_check_namespace(session, target->container_id, err) < 0)
		return -1;
	if (dry_run)
		signals_hold(&signals);
	else if (lock_take(session, &lock_request, &lock, err) < 0)
		return -1;
	if (!dry_run)
		done = settle(session, target->container_id, &settled, err);
	pruning->target = dry_run ? target : &settled;
	if (done == 0)
		done = decide_and_carry_out(pruning, err);
	pruning->target = NULL;
	*signal = dry_run ? signals_release(&signals) : lock_release(&lock);
	if (*signal)
		log_warning("SIG%s came while '%s' was pruned; it was finished first", sigabbrev_np(*signal),
			    target->container_id);
	return done;
}

int prune_run(struct session *session, const struct target_word *word, const struct prune_request *request,
	      struct prune_result *result, struct error *err)
{
	struct pruning pruning = { .session = session, .request = request };
	cleanup_target struct target target = { 0 };
	struct error late = { 0 };
	int signal, done;

	if ((request->all ? prune_all_find(session, word, &target, err)
			  : target_resolve(session, word, false, &target, err)) < 0)
		return -1;
	done = pruning_begin(&pruning, &target, result, &signal, err);
	/* containerd also collects when it sees fit. */
	if (done == 0 && pruning_wants_collection(&pruning) && reclaim_collect(session, &late) < 0)
		log_warning("what '%s' gave back is not collected yet: %s", target.container_id, late.message);
	if (done == 0)
		done = pruning_end(&pruning, result, err);
	pruning_release(&pruning);
	return done;
}
