#include "operation/plan_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "ctr/server.h"
#include "operation/around.h"
#include "operation/decide.h"
#include "store/versions.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"
#include "workspace/version_label.h"

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
	char boot[BOOT_ID_SIZE];

	boot_id(boot);
	return copy_or_null(boot);
}

/* Who asks, when, and of which server. */
static int set_origin(const struct plan *plan, struct record *record, struct error *err)
{
	const struct origin *asks = &plan->session->origin;

	record->operation_id = malloc(ID_SIZE);
	if (!record->operation_id)
		return error_memory(err);
	if (plan->operation_id)
		memcpy(record->operation_id, plan->operation_id, ID_SIZE);
	else
		id_random(record->operation_id);
	record->hooked = plan->around && plan->around->begun;
	record->boot = boot_now();
	record->created_ns = clock_unix_ns();
	/* An operation that is taken over has left the workspace down or without its network: the way back has to
	 * start it. */
	record->stage = plan->pending ? STAGE_DOWN : STAGE_PLANNED;
	record->server_id = ctr_server_id(plan->session->ctr, err);
	if (!record->server_id && err->kind == ERROR_CONTAINERD)
		return -1;
	error_clear(err); /* a containerd without that service has no id to compare with later */
	return origin_keep(asks->by, asks->host, asks->note, &record->origin, err);
}

static int set_container(const struct plan *plan, const struct findings *findings, struct record *record,
			 struct error *err)
{
	const struct ctr_container *container = &findings->container;

	record->container_ns = container->created_ns;
	record->container_id = strdup(plan->container_id);
	record->namespace = strdup(plan->session->settings->namespace);
	record->bot_id = strdup(plan->bot_id);
	record->image = copy_or_null(container->image);
	record->snapshotter = strdup(container->snapshotter);
	record->old_active = strdup(container->snapshot_key);
	record->old_parent = copy_or_null(findings->active.parent);
	record->old_upper = copy_or_null(findings->location.writable);
	record->uid_map = copy_or_null(findings->location.uid_map);
	record->gid_map = copy_or_null(findings->location.gid_map);
	record->own_pids = findings->spec.own_pids;
	record->restart_status = copy_or_null(restart_status_of(container));
	record->stop_signal = copy_or_null(labels_get(&container->labels, LABEL_STOP_SIGNAL));
	if (snapshot_labels_of_others(&findings->active, &record->kept_labels, err) < 0)
		return -1;
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

int plan_record(const struct plan *plan, const struct findings *findings, struct record *record, struct error *err)
{
	if (set_origin(plan, record, err) < 0 || set_container(plan, findings, record, err) < 0 ||
	    decide_words(plan->request, record, err) < 0 || choose_names(plan, record, err) < 0 ||
	    set_stands_on(plan, findings, record, err) < 0)
		return -1;
	return set_version_floor(plan, findings, record, err);
}
