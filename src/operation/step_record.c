#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctr/snapshots.h"
#include "operation/steps.h"
#include "store/record.h"
#include "workspace/label_keys.h"

static const char *status_of(const struct record *record)
{
	if (record->start_pending)
		return "stopped";
	switch (record->state) {
	case CTR_TASK_RUNNING:
		return "running";
	case CTR_TASK_PAUSED:
	case CTR_TASK_PAUSING:
		return "paused";
	case CTR_TASK_CREATED:
		return "created";
	default:
		return "stopped";
	}
}

static struct store_record row_of(const struct record *record)
{
	bool rolled_back = record->kind == OPERATION_ROLLBACK && !record->turned_back;
	struct store_record row = {
		.operation_id = record->operation_id,
		.container_id = record->container_id,
		.bot_id = record->bot_id,
		.namespace = record->namespace,
		.image = record->image,
		.status = status_of(record),
		.stopped_ns = record->stopped_ns,
		.started_ns = record->started_ns,
		.snapshotter = record->snapshotter,
		.source = record->source,
		.created_ns = record->created_ns,
		.version_floor = record->version_floor,
		.rolled_back_to = rolled_back ? record->rollback_to : 0,
		.rollback_runtime_name = rolled_back ? record->rollback_name : NULL,
	};

	if (record_makes_version(record)) {
		row.runtime_name = record->saved;
		row.display_name = record->display_name;
		row.parent = record->stands_on;
		row.version_event = record->kind == OPERATION_CREATE ? "snapshot_create" : "version_create";
	}
	return row;
}

static void keep_result(struct operation_result *result, const struct store_recorded *recorded)
{
	memcpy(result->version_id, recorded->version_id, sizeof(result->version_id));
	result->version = recorded->version;
	result->created_ns = recorded->created_ns;
}

/* Container and bot are gone, and with them whom the version could be of. What is saved stays. */
static int leave_unrecorded(struct run *run, struct error *err)
{
	log_warning("what was saved of '%s' stays as the snapshot '%s', but is no version: %s",
		    run->record->container_id, run->record->saved, err->message);
	error_clear(err);
	return 0;
}

int step_record(struct run *run, struct error *err)
{
	struct record *record = run->record;
	struct store_record row = row_of(record);
	struct store_recorded recorded = { 0 };

	if (record->turned_back && !record_saves(record))
		return 0; /* nothing has happened that the database should know */
	if (record->recorded && !run->session->store) {
		run->result->version = record->version;
		return 0;
	}
	if (!run->session->store)
		return error_set(err, ERROR_DATABASE, "the database is not connected");
	if (store_record_operation(run->session->store, &row, &recorded, err) < 0)
		return run->orphaned && err->kind == ERROR_NOT_FOUND ? leave_unrecorded(run, err) : -1;
	keep_result(run->result, &recorded);
	record->recorded = true;
	record->version = recorded.version;
	return 0;
}

/* A container that was removed meanwhile has taken its active snapshot along. */
static int label_active(struct run *run, const char *number, struct error *err)
{
	const struct record *record = run->record;

	if (run->orphaned || ctr_snapshot_set_label(run->session->ctr, record->snapshotter, record->new_active,
						    LABEL_LAST_VERSION, number, err) == 0)
		return 0;
	if (err->kind != ERROR_NOT_FOUND)
		return -1;
	error_clear(err);
	return 0;
}

/* Somebody may have removed it from containerd while it waited to be recorded: it is no reason never to end. */
static int label_saved(struct run *run, const char *number, struct error *err)
{
	const struct record *record = run->record;

	if (ctr_snapshot_set_label(run->session->ctr, record->snapshotter, record->saved, LABEL_VERSION, number, err) ==
	    0)
		return 0;
	if (err->kind != ERROR_NOT_FOUND)
		return -1;
	log_warning("version %s of '%s' is recorded, but somebody has removed its snapshot '%s'", number,
		    record->container_id, record->saved);
	error_clear(err);
	return 0;
}

int step_label(struct run *run, struct error *err)
{
	char number[16];

	if (!record_makes_version(run->record) || run->result->version == 0)
		return 0;
	snprintf(number, sizeof(number), "%d", run->result->version);
	return label_saved(run, number, err) < 0 ? -1 : label_active(run, number, err);
}
