#include "operation/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/server.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/changes.h"
#include "operation/decide.h"
#include "operation/mapped_ids.h"
#include "operation/plan_devices.h"
#include "operation/live_layer.h"
#include "operation/plan_network.h"
#include "operation/plan_state.h"
#include "operation/plan_chain.h"
#include "operation/plan_live.h"
#include "operation/plan_restore.h"
#include "operation/plan_target.h"
#include "operation/rows.h"
#include "operation/sharers.h"
#include "store/operation.h"
#include "store/versions.h"
#include "task/client.h"
#include "task/spec.h"
#include "task/streams.h"
#include "workspace/history.h"
#include "workspace/label_keys.h"
#include "workspace/names.h"
#include "workspace/keepers.h"
#include "workspace/location.h"
#include "workspace/disk_space.h"
#include "workspace/snapshot_labels.h"
#include "workspace/snapshotters.h"
#include "workspace/target.h"
#include "workspace/version_label.h"
#include "workspace/warnings.h"

/* What planning has found out of containerd. */
struct findings {
	struct ctr_container container;
	struct ctr_snapshot active;
	struct location location;
	struct spec spec;
	struct ctr_task task;
};

static void findings_release(struct findings *findings)
{
	ctr_container_release(&findings->container);
	ctr_snapshot_release(&findings->active);
	location_release(&findings->location);
	spec_release(&findings->spec);
	ctr_task_release(&findings->task);
}

/* Kubernetes and Docker start, replace and remove their containers as they see fit. */
static int check_keeper(const struct settings *settings, const char *container_id, struct error *err)
{
	const char *namespace = settings->namespace;

	if (settings->force || (strcmp(namespace, "k8s.io") != 0 && strcmp(namespace, "moby") != 0))
		return 0;
	error_set(err, ERROR_REFUSED, "'%s' is kept by %s (namespace '%s'), which would fight an operation on it",
		  container_id, strcmp(namespace, "moby") == 0 ? "Docker" : "Kubernetes", namespace);
	return error_hint(err, "--force insists");
}

/* Two containers on one writable layer: one would run on while the other's state is committed. A label that says whom it
 * was made for keeps nobody from using it as well. */
static int check_shared(struct session *session, const struct findings *findings, struct error *err)
{
	const struct ctr_container *mine = &findings->container;
	cleanup_free char *other = NULL;

	if (ctr_container_find_sharing(session->ctr, mine, &other, err) < 0)
		return -1;
	if (!other)
		return 0;
	return error_set(err, ERROR_REFUSED, "'%s' shares its snapshot '%s' with the container '%s'", mine->id,
			 mine->snapshot_key, other);
}

static int find_active(struct session *session, struct findings *findings, struct error *err)
{
	const struct ctr_container *container = &findings->container;
	int found;

	if (!*container->snapshotter || !*container->snapshot_key)
		return error_set(err, ERROR_FAILED, "'%s' has no snapshot: there is nothing to save", container->id);
	found = snapshotters_stat_active(session, container, &findings->active, err);
	if (found == 0) {
		error_set(err, ERROR_FAILED, "'%s' points at the snapshot '%s', which containerd does not have",
			  container->id, container->snapshot_key);
		return error_hint(err, "'wsnap doctor %s' says what is left of it", container->id);
	}
	if (found < 0)
		return -1;
	if (findings->active.kind != CTR_SNAPSHOT_ACTIVE)
		return error_set(err, ERROR_FAILED, "'%s' stands on '%s', which is no active snapshot", container->id,
				 container->snapshot_key);
	if (location_find(session, container->snapshotter, container->snapshot_key, &findings->location, err) < 0)
		return -1;
	return plan_state_check_layer(session, container, &findings->active, &findings->location, err);
}

static int find_all(const struct plan *plan, struct findings *findings, struct error *err)
{
	if (ctr_container_get(plan->session->ctr, plan->container_id, &findings->container, err) < 0)
		return -1;
	if (find_active(plan->session, findings, err) < 0 ||
	    spec_read(&findings->container, &findings->spec, err) < 0 ||
	    ctr_task_get(plan->session->ctr, plan->container_id, &findings->task, err) < 0 ||
	    check_shared(plan->session, findings, err) < 0)
		return -1;
	return plan_state_check_task(plan->session->settings, &findings->container, &findings->location,
				     &findings->task, err);
}

static char *copy_or_null(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

/* An operation whose record was lost may have taken the restart monitor's label off: this one gives it back. */
static const char *restart_status_of(const struct ctr_container *container)
{
	const char *status = labels_get(&container->labels, LABEL_RESTART_STATUS);

	return status ? status : labels_get(&container->labels, LABEL_RESTART_HELD);
}

/* NULL where the kernel does not tell. */
static char *boot_now(void)
{
	char boot[KEEPERS_BOOT_SIZE];

	keepers_boot(boot);
	return copy_or_null(boot);
}

static int set_origin(const struct plan *plan, const struct findings *findings, struct record *record,
		      struct error *err)
{
	const struct origin *asks = &plan->session->origin;

	record->operation_id = malloc(ID_SIZE);
	if (!record->operation_id)
		return error_memory(err);
	id_random(record->operation_id);
	record->boot = boot_now();
	record->created_ns = clock_unix_ns();
	record->container_ns = findings->container.created_ns;
	/* An operation that is taken over has left the workspace down or without its network: the way back has to
	 * start it. */
	record->stage = plan->pending ? STAGE_DOWN : STAGE_PLANNED;
	record->container_id = strdup(plan->container_id);
	record->namespace = strdup(plan->session->settings->namespace);
	record->bot_id = strdup(plan->bot_id);
	if (origin_keep(asks->by, asks->host, asks->note, &record->origin, err) < 0)
		return -1;
	record->image = copy_or_null(findings->container.image);
	record->snapshotter = strdup(findings->container.snapshotter);
	record->old_active = strdup(findings->container.snapshot_key);
	record->old_parent = copy_or_null(findings->active.parent);
	record->server_id = ctr_server_id(plan->session->ctr, err);
	if (!record->server_id && err->kind == ERROR_CONTAINERD)
		return -1;
	error_clear(err); /* a containerd without that service has no id to compare with later */
	record->old_upper = copy_or_null(findings->location.writable);
	if (snapshot_labels_of_others(&findings->active, &record->kept_labels, err) < 0)
		return -1;
	record->own_pids = findings->spec.own_pids;
	record->restart_status = copy_or_null(restart_status_of(&findings->container));
	record->stop_signal = copy_or_null(labels_get(&findings->container.labels, LABEL_STOP_SIGNAL));
	return record->container_id && record->namespace && record->bot_id && record->snapshotter && record->old_active
		       ? 0
		       : error_memory(err);
}

/* Whether any of the names that the operation may give is somebody's: 1, 0, -1. */
static int is_a_name_taken(const struct plan *plan, const struct record *record, struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	struct decided_names all;
	int taken = 0;

	if (decide_all_names(record, &all, err) < 0)
		return -1;
	for (size_t i = 0; all.names[i] && taken == 0; i++)
		taken = ctr_snapshot_stat(plan->session->ctr, record->snapshotter, all.names[i], NULL, err);
	decided_names_release(&all);
	/* A row may have outlived its snapshot. */
	return taken != 0 ? taken
			  : store_version_of_snapshot(plan->session->store, record->container_id, record->saved, &row,
						      err);
}

/* The names bear the time. A clock that stands still, or is set back, tells one twice: then the next nanosecond counts. */
static int choose_names(const struct plan *plan, struct record *record, struct error *err)
{
	int taken = decide_names(record, err) < 0 ? -1 : is_a_name_taken(plan, record, err);

	while (taken > 0) {
		record->created_ns++;
		taken = decide_names(record, err) < 0 ? -1 : is_a_name_taken(plan, record, err);
	}
	return taken;
}

static void warn_of_reader(const struct record *record, const struct ctr_task *task)
{
	const char *path;
	int pid;

	if (record->old_pid != 0 && streams_find_reader(&task->streams, &path, &pid))
		log_warning(
			"'%s' writes to the FIFO '%s', which process %d reads: what the workspace writes from now on "
			"does not get there",
			record->container_id, path, pid);
}

static int set_stands_on(const struct plan *plan, const struct findings *findings, struct record *record,
			 struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	int found;

	record->stands_on = copy_or_null(decide_stands_on(&findings->active));
	if (!record->stands_on)
		return 0;
	found = store_version_of_snapshot(plan->session->store, record->container_id, record->stands_on, &row, err);
	if (found > 0)
		found = ctr_snapshot_stat(plan->session->ctr, record->snapshotter, record->stands_on, NULL, err);
	record->stands_on_version = found > 0;
	return found < 0 ? -1 : 0;
}

/* By the label of the active snapshot; where another tool made that, by the labels of all snapshots. */
static int set_version_floor(const struct plan *plan, const struct findings *findings, struct record *record,
			     struct error *err)
{
	const char *label = labels_get(&findings->active.labels, LABEL_LAST_VERSION);
	int32_t floor = label ? version_label_parse(label) : 0;

	if (floor == 0)
		floor = version_label_greatest(plan->session, record->snapshotter, record->container_id, err);
	record->version_floor = floor;
	return floor < 0 ? -1 : 0;
}

/* `status` counts the age from here, so that an idle workspace raises no alarm. */
static int note_unchanged(const struct plan *plan, const struct record *record, struct error *err)
{
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_unix_ns(), now);
	return ctr_snapshot_set_label(plan->session->ctr, record->snapshotter, record->old_active, LABEL_UNCHANGED, now,
				      err);
}

/* --if-changed without a change: the result is the version that still stands. 1: so it is. */
static int judge_if_changed(const struct plan *plan, const struct findings *findings, const struct record *record,
			    struct operation_result *result, struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	int unchanged;

	if (!plan->request->if_changed || !record->stands_on_version)
		return 0;
	unchanged =
		live_layer_is_unchanged(plan->session, record, &findings->active, &findings->location)
			? 1
			: changes_none(plan->session, record->snapshotter, record->old_active, record->stands_on, err);
	if (unchanged <= 0)
		return unchanged;
	if (snapshot_labels_keep(plan->session, record->snapshotter, record->stands_on, err) < 0 ||
	    note_unchanged(plan, record, err) < 0)
		return -1;
	unchanged = store_version_of_snapshot(plan->session->store, record->container_id, record->stands_on, &row, err);
	if (unchanged <= 0)
		return unchanged;
	result->unchanged = true;
	result->version = row.version;
	memcpy(result->version_id, row.id, sizeof(result->version_id));
	result->created_ns = row.created_ns;
	result->display_name = steal_pointer(row.display_name);
	result->runtime_name = steal_pointer(row.runtime_name);
	result->source = steal_pointer(row.source);
	return 1;
}

static int set_chain(const struct plan *plan, const struct findings *findings, struct record *record, struct error *err)
{
	if (record->kind == OPERATION_ROLLBACK)
		return plan_chain_back(plan->session, &findings->location, record, err);
	return plan_chain(plan->session, &findings->active, &findings->location, record->kind == OPERATION_COMPACT,
			  record, err);
}

static void keep_mounts(struct findings *findings, struct operation_result *result)
{
	result->unsaved_mounts = steal_pointer(findings->spec.writable_mounts);
	result->unsaved_mount_count = findings->spec.writable_mount_count;
	findings->spec.writable_mount_count = 0;
}

/* What the result can say before anything is done. */
static int fill_result(const struct record *record, struct operation_result *result, struct error *err)
{
	memcpy(result->operation_id, record->operation_id, sizeof(result->operation_id));
	result->container_id = strdup(record->container_id);
	result->snapshotter = strdup(record->snapshotter);
	return result->container_id && result->snapshotter ? 0 : error_memory(err);
}

/* Without these the task could not be started again. */
static int check_start(const struct plan *plan, const struct findings *findings, const struct record *record,
		       struct error *err)
{
	const struct ctr_any *spec = &findings->container.spec;
	cleanup_free char *path = NULL, *use = NULL;
	int missing;

	if (record->state == CTR_TASK_NONE || plan->session->settings->force)
		return 0;
	missing = spec_find_missing(record->new_spec ? record->new_spec : spec->value,
				    record->new_spec ? strlen(record->new_spec) : spec->length, &path, &use, err);
	if (missing <= 0)
		return missing;
	error_set(err, ERROR_REFUSED, "'%s' would not start again: '%s', %s, is not there", record->container_id, path,
		  use);
	return error_hint(err,
			  "bring it back, or stop the workspace: then it is saved without a start; --force insists");
}

/* An attached `ctr run --rm` removes the container as soon as its task ends, and with it the layer that is being
 * saved. */
static int check_remover(const struct settings *settings, const struct findings *findings, const struct record *record,
			 struct error *err)
{
	const char *label = labels_get(&findings->container.labels, LABEL_AUTO_REMOVE);
	uint32_t pid;

	if (settings->force || record->state == CTR_TASK_NONE)
		return 0;
	pid = label && strcmp(label, "true") == 0 ? 0 : client_that_removes(settings->namespace, record->container_id);
	if (pid > 0)
		error_set(err, ERROR_REFUSED,
			  "'%s' would be removed as soon as it stops: 'ctr run --rm' (pid %u) waits for that",
			  record->container_id, pid);
	else if (label && strcmp(label, "true") == 0)
		error_set(err, ERROR_REFUSED,
			  "'%s' would be removed as soon as it stops: it was run with --rm (label '%s')",
			  record->container_id, LABEL_AUTO_REMOVE);
	else
		return 0;
	return error_hint(err, "--force insists");
}

static int decide_live_compact(const struct plan *plan, const struct findings *findings, struct record *record,
			       struct operation_result *result, struct error *err)
{
	int nothing = plan_live_compact(plan->session, &findings->active, &findings->location, record, err);

	result->layers_merged = nothing == 0 ? record->merge_count : 0;
	return nothing == 0 ? rows_rehearse(plan->session, record, err) : nothing;
}

/* What a stop needs beside: layers to be merged, the network, the devices, and that the task will start again. */
static int decide_stop(const struct plan *plan, struct findings *findings, struct record *record,
		       struct network **network, struct operation_result *result, struct error *err)
{
	const char *earlier = plan->pending ? plan->pending->attachment : NULL;

	warn_of_reader(record, &findings->task);
	if (set_chain(plan, findings, record, err) < 0)
		return -1;
	if (record->kind == OPERATION_COMPACT && !record->merged)
		return 1;
	result->layers_merged = record->merge_count;
	if (check_remover(plan->session->settings, findings, record, err) < 0 ||
	    plan_network(plan->session, &findings->container, &findings->spec, earlier, record, network, err) < 0 ||
	    plan_devices(plan->session, &findings->container, record, err) < 0 ||
	    check_start(plan, findings, record, err) < 0 || rows_rehearse(plan->session, record, err) < 0)
		return -1;
	return disk_space_check(findings->location.filesystem, err);
}

/* It keeps its network. Only after a reboot in the middle it has to get it anew. */
static void note_network(const struct plan *plan, const struct findings *findings, struct record *record,
			 struct network **network)
{
	struct error ignored = { 0 };

	if (plan_network(plan->session, &findings->container, &findings->spec, NULL, record, network, &ignored) < 0)
		log_detail("%s", ignored.message);
}

static int decide(const struct plan *plan, struct findings *findings, struct record *record, struct network **network,
		  struct operation_result *result, struct error *err)
{
	int nothing;

	if (set_origin(plan, findings, record, err) < 0 || decide_words(plan->request, record, err) < 0 ||
	    choose_names(plan, record, err) < 0 || fill_result(record, result, err) < 0 ||
	    store_check_bot(plan->session->store, plan->bot_id, err) < 0 ||
	    set_stands_on(plan, findings, record, err) < 0 || set_version_floor(plan, findings, record, err) < 0)
		return -1;
	if ((record->kind == OPERATION_ROLLBACK || record->kind == OPERATION_RESTORE) &&
	    plan_target(plan->session, plan->request->version, record, err) < 0)
		return -1;
	nothing = record->kind == OPERATION_RESTORE
			  ? plan_restore_judge(plan->session, plan->request, record, result, err)
			  : judge_if_changed(plan, findings, record, result, err);
	if (nothing != 0)
		return nothing;
	if (mapped_ids_check(plan->session->settings, &findings->location, record, err) < 0 ||
	    decide_task(&findings->task, plan->pending, record, err) < 0)
		return -1;
	if (record->kind == OPERATION_COMPACT && plan->request->mode == MODE_LIVE)
		return decide_live_compact(plan, findings, record, result, err);
	if (record->kind == OPERATION_RESTORE) {
		note_network(plan, findings, record, network);
		if (plan_restore(plan->session, plan->request, &findings->active, &findings->location, record, err) <
			    0 ||
		    rows_rehearse(plan->session, record, err) < 0)
			return -1;
		return disk_space_check(findings->location.filesystem, err);
	}
	if (plan_live_is_asked(plan->session, plan->request) &&
	    plan_live(plan->session, plan->request, &findings->active, &findings->location, record, err) < 0)
		return -1;
	if (!record->live)
		return decide_stop(plan, findings, record, network, result, err);
	return rows_rehearse(plan->session, record, err) < 0 ? -1
							     : disk_space_check(findings->location.filesystem, err);
}

int plan_make(const struct plan *plan, struct record *record, struct network **network, struct operation_result *result,
	      struct error *err)
{
	struct findings findings = { 0 };
	int decided = check_keeper(plan->session->settings, plan->container_id, err);

	if (decided == 0)
		decided = target_check_namespace(plan->session, plan->container_id, err);
	if (decided == 0)
		decided = find_all(plan, &findings, err);
	if (decided == 0)
		decided = decide(plan, &findings, record, network, result, err);
	if (decided == 0) {
		keep_mounts(&findings, result);
		if (findings.spec.own_network)
			sharers_warn(plan->session, record);
		disk_space_warn(plan->session->settings, findings.location.filesystem);
		if (!record->merged)
			warnings_depth(plan->session->settings, plan->container_id, findings.location.below.count + 1);
	}
	findings_release(&findings);
	return decided;
}
