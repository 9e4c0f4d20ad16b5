#include "fork/fork.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "fork/fork_finish.h"
#include "fork/fork_plan.h"
#include "fork/fork_start.h"
#include "operation/around.h"
#include "workspace/blueprint.h"
#include "workspace/fresh_layer.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/snapshot_labels.h"

/* Long enough for a machine that is off over the holidays. */
#define LEASE_NS ((int64_t)14 * 24 * 3600 * 1000000000)

void fork_result_release(struct fork_result *result)
{
	free(result->container_id);
	free(result->snapshotter);
	free(result->image);
	free(result->origin_id);
	*result = (struct fork_result){ 0 };
}

static int take_lease(struct fork_plan *plan, const struct fork_lease *lease, struct error *err)
{
	struct ctr *ctr = plan->session->ctr;
	cleanup_labels struct labels labels = { 0 };
	int found;

	if ((lease->start && labels_set(&labels, LABEL_FORK_START, lease->start, err) < 0) ||
	    labels_set(&labels, LABEL_CONTAINER, lease->container_id, err) < 0 ||
	    labels_set(&labels, LABEL_FORK, lease->version_name, err) < 0 ||
	    labels_set(&labels, LABEL_FORK_SNAPSHOTTER, lease->snapshotter, err) < 0 ||
	    ctr_lease_create(ctr, lease->id, LEASE_NS, &labels, err) < 0 ||
	    ctr_lease_add_snapshot(ctr, lease->id, lease->snapshotter, plan->row.runtime_name, err) < 0)
		return -1;
	/* Given up between the look and the lease it may have been collected; from now on it stays. */
	found = ctr_snapshot_stat(ctr, lease->snapshotter, plan->row.runtime_name, NULL, err);
	if (found == 0)
		return error_set(err, ERROR_NOT_FOUND, "version %d of '%s' has gone meanwhile", plan->row.version,
				 plan->origin.container_id);
	return found < 0 ? -1 : ctr_use_lease(ctr, lease->id, err);
}

/* Of its first version: those of any version, but for what would keep it without its container, and the origin. */
static int version_labels(const struct fork_plan *plan, struct labels *labels, struct error *err)
{
	cleanup_labels struct labels all = { 0 };

	if (snapshot_labels_saved(&plan->record, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++)
		if (strcmp(all.items[i].key, LABEL_GC_ROOT) != 0 &&
		    labels_set(labels, all.items[i].key, all.items[i].value, err) < 0)
			return -1;
	return fork_plan_add_origin(plan, labels, err);
}

/* Of the layer that its first version is: as all committed layers it bears ids that are not mapped yet. */
static int layer_labels(const struct record *record, struct labels *labels, struct error *err)
{
	for (size_t i = 0; i < record->kept_labels.count; i++) {
		const struct label *label = &record->kept_labels.items[i];

		if (strcmp(label->key, LABEL_UID_MAPPING) != 0 && strcmp(label->key, LABEL_GID_MAPPING) != 0 &&
		    labels_set(labels, label->key, label->value, err) < 0)
			return -1;
	}
	return 0;
}

static int make_snapshots(struct fork_plan *plan, struct error *err)
{
	const struct record *record = &plan->record;
	struct ctr *ctr = plan->session->ctr;
	cleanup_labels struct labels saved = { 0 }, active = { 0 }, layer = { 0 };
	cleanup_free char *work = text_format("%s-work", record->saved);

	if (!work)
		return error_memory(err);
	if (version_labels(plan, &saved, err) < 0 || snapshot_labels_active(record, &active, err) < 0 ||
	    layer_labels(record, &layer, err) < 0 ||
	    fresh_layer_prepare(plan->session, record->snapshotter, work, plan->row.runtime_name, &layer, err) < 0 ||
	    ctr_snapshot_commit(ctr, record->snapshotter, record->saved, work, &saved, err) < 0)
		return -1;
	return fresh_layer_prepare(plan->session, record->snapshotter, record->new_active, record->saved, &active, err);
}

/* What was asked for last may be done, or still be on its way: who takes it back now may come before it. */
static int leave_unknown(const struct fork_lease *lease, const char *what, struct error *err)
{
	error_wrap(err, "'%s' may be %s by now, or not", lease->container_id, what);
	err->kind = ERROR_INCOMPLETE;
	return error_hint(err, "once containerd is back, 'wsnap recover %s' completes it or takes it back",
			  lease->container_id);
}

/* Where the answer was lost, containerd is asked what has become of it. */
static int create_container(struct fork_plan *plan, const struct fork_lease *lease, struct error *err)
{
	cleanup_ctr_container struct ctr_container found = { 0 };
	struct error unknown = { 0 };
	int made = ctr_container_create(plan->session->ctr, &plan->container, err), is_ours;

	if (made > 0 || (made < 0 && err->kind != ERROR_CONTAINERD))
		return made > 0 ? 0 : -1;
	is_ours = fork_find_made(plan->session, lease, &found, &unknown);
	if (is_ours > 0) {
		error_clear(err);
		return 0;
	}
	if (made < 0)
		return leave_unknown(lease, "there", err);
	if (is_ours < 0) {
		*err = unknown;
		return leave_unknown(lease, "there", err);
	}
	return error_set(err, ERROR_REFUSED, "'%s' is a container that somebody has made meanwhile",
			 lease->container_id);
}

static int make_container(struct fork_plan *plan, const struct fork_lease *lease, struct error *err)
{
	const struct blueprint_request request = {
		.operation_id = plan->record.operation_id,
		.container = &plan->container,
		.snapshotter = plan->record.snapshotter,
	};

	if (blueprint_keep(plan->session, &request, &plan->record.blueprint, err) < 0 || make_snapshots(plan, err) < 0)
		return -1;
	return create_container(plan, lease, err);
}

static int start(struct fork_plan *plan, const struct fork_lease *lease, struct error *err)
{
	if (!plan->start || fork_start(plan, err) == 0)
		return 0;
	if (err->kind == ERROR_CONTAINERD)
		return leave_unknown(lease, "started", err);
	/* Nothing of it stays: so it is not a part of the way that is left. */
	if (err->kind == ERROR_INCOMPLETE)
		err->kind = ERROR_FAILED;
	error_wrap(err, "'%s' does not start", lease->container_id);
	return -1;
}

/* Nothing of it stays. What cannot be taken back now, or is not to be, recover ends. */
static int take_back(struct fork_plan *plan, const struct fork_lease *lease, bool made, struct error *err)
{
	struct error failure = { 0 };

	if (err->kind == ERROR_INCOMPLETE)
		return -1;
	if (made && ctr_container_delete(plan->session->ctr, lease->container_id, &failure) < 0) {
		error_wrap(err, "'%s' may still be there (%s)", lease->container_id, failure.message);
		err->kind = ERROR_INCOMPLETE;
		return error_hint(err, "'wsnap recover %s' does the rest", lease->container_id);
	}
	if (fork_take_back(plan->session, lease, &failure) == 0)
		return -1;
	log_detail("%s", failure.message);
	if (!err->hint[0])
		error_hint(err, "'wsnap recover' tidies up once containerd is back");
	return -1;
}

static int finish(struct fork_plan *plan, const struct fork_lease *lease, int32_t *version, struct error *err)
{
	if (fork_finish(plan->session, lease, version, err) == 0)
		return 0;
	error_wrap(err, "'%s' is there, but not recorded yet", lease->container_id);
	err->kind = ERROR_INCOMPLETE;
	return error_hint(err, "'wsnap recover' does the rest");
}

/* What took how long; hands `done` on. */
static int note_step(struct fork_result *result, const char *name, int done)
{
	double now_ms = clock_monotonic_ms(), ms = now_ms - result->noted_ms;

	if (result->step_count < FORK_MAX_STEPS)
		result->steps[result->step_count++] = (struct operation_step){ .name = name, .ms = ms };
	result->noted_ms = now_ms;
	log_detail("%-8s %8.1f ms", name, ms);
	return done;
}

static int make(struct fork_plan *plan, struct fork_result *result, struct error *err)
{
	const struct record *record = &plan->record;
	cleanup_free char *id = text_format("wsnap-%s", record->operation_id);
	const struct fork_lease lease = {
		.id = id,
		.operation_id = record->operation_id,
		.container_id = record->container_id,
		.snapshotter = record->snapshotter,
		.version_name = record->saved,
		.start = plan->start,
	};

	if (!id)
		return error_memory(err);
	if (note_step(result, "lease", take_lease(plan, &lease, err)) < 0 ||
	    note_step(result, "adapt", fork_plan_adapt(plan, err) < 0 ? -1 : fork_start_plan(plan, err)) < 0 ||
	    note_step(result, "create", make_container(plan, &lease, err)) < 0)
		return take_back(plan, &lease, false, err);
	if (note_step(result, "start", start(plan, &lease, err)) < 0)
		return take_back(plan, &lease, true, err);
	return note_step(result, "record", finish(plan, &lease, &result->version, err));
}

static int make_with_hooks(struct fork_plan *plan, struct fork_result *result, struct error *err)
{
	const struct record *record = &plan->record;
	struct around around = {
		.session = plan->session,
		.facts = { .operation = "fork",
			   .operation_id = record->operation_id,
			   .container_id = record->container_id,
			   .bot_id = record->bot_id,
			   .namespace = record->namespace,
			   .source = record->source },
	};
	int done;

	if (around_begin(&around, err) < 0)
		return -1;
	result->noted_ms = clock_monotonic_ms();
	done = make(plan, result, err);
	around_end(&around, done < 0 ? (int)err->kind : 0, done < 0 ? 0 : result->version);
	return done;
}

static int fill_result(const struct fork_plan *plan, struct fork_result *result, struct error *err)
{
	memcpy(result->operation_id, plan->record.operation_id, sizeof(result->operation_id));
	result->container_id = strdup(plan->record.container_id);
	result->snapshotter = strdup(plan->record.snapshotter);
	result->image = strdup(plan->container.image);
	result->origin_id = strdup(plan->origin.container_id);
	result->origin_version = plan->row.version;
	result->started = plan->start != NULL;
	return result->container_id && result->snapshotter && result->image && result->origin_id ? 0
												 : error_memory(err);
}

static int take_lock(struct session *session, const struct fork_request *request, struct lock *lock, struct error *err)
{
	return lock_take(session,
			 &(struct lock_request){
				 .container_id = request->new_id, .what = "fork", .wait_s = session->settings->wait_s },
			 lock, err);
}

int fork_foresee(struct session *session, const struct fork_request *request, struct error *err)
{
	cleanup_fork_plan struct fork_plan plan = { .session = session, .request = request };
	struct lock lock;
	int done, signal;

	if (take_lock(session, request, &lock, err) < 0)
		return -1;
	done = fork_plan_foresee(&plan, err) < 0 || fork_start_decide(&plan, err) < 0 ? -1 : 0;
	signal = lock_release(&lock);
	if (signal && done == 0)
		return error_set(err, ERROR_FAILED, "nothing was made: interrupted by SIG%s", sigabbrev_np(signal));
	return done;
}

int fork_run(struct session *session, const struct fork_request *request, struct fork_result *result, struct error *err)
{
	cleanup_fork_plan struct fork_plan plan = { .session = session, .request = request };
	struct lock lock;
	int done, signal;

	if (take_lock(session, request, &lock, err) < 0)
		return -1;
	done = fork_plan_make(&plan, err) < 0 || fork_start_decide(&plan, err) < 0
		       ? -1
		       : make_with_hooks(&plan, result, err);
	if (done == 0)
		done = fill_result(&plan, result, err);
	signal = lock_release_to_tell(&lock);
	if (signal && done == 0)
		log_warning("SIG%s came while the fork was made; it was finished first", sigabbrev_np(signal));
	return done;
}
