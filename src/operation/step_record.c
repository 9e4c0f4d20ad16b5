#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctr/snapshots.h"
#include "operation/live_layer.h"
#include "operation/rows.h"
#include "operation/steps.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"

static void keep_result(struct operation_result *result, const struct store_written *written)
{
	memcpy(result->version_id, written->version_id, sizeof(result->version_id));
	result->version = written->version;
	result->created_ns = written->created_ns;
}

/* Container and bot are gone, so there is nobody the version could belong to. The snapshot stays. */
static int leave_unrecorded(struct run *run, struct error *err)
{
	log_warning("what was saved of '%s' stays as the snapshot '%s', but is no version: %s",
		    run->record->container_id, run->record->saved, err->message);
	error_clear(err);
	return 0;
}

/* Later operations must not wait for what somebody has to change in the database first. */
static int set_aside(struct run *run, struct error *err)
{
	struct record *record = run->record;
	struct error failure = { 0 };

	if (err->kind != ERROR_NOT_FOUND && (err->kind != ERROR_DATABASE || !store_has_judged(run->session->store)))
		return -1;
	record->refusal = strdup(err->message);
	if (record->refusal && journal_set_aside(run->session, record, &failure) == 0) {
		run->refusal = *err;
		error_clear(err);
		return 0;
	}
	free(record->refusal);
	record->refusal = NULL;
	log_detail("%s", failure.message);
	return -1;
}

int step_record(struct run *run, struct error *err)
{
	struct record *record = run->record;
	struct store_operation row = rows_of(record);
	struct store_written written = { 0 };

	row.is_gone = run->found == FOUND_GONE;
	if (record->recorded && !run->session->store) {
		run->result->version = record->version;
		return 0;
	}
	if (!run->session->store)
		return error_set(err, ERROR_DATABASE, "the database is not connected");
	if (store_write_operation(run->session->store, &row, &written, err) < 0)
		return run_is_orphaned(run) && err->kind == ERROR_NOT_FOUND ? leave_unrecorded(run, err)
									    : set_aside(run, err);
	keep_result(run->result, &written);
	record->recorded = true;
	record->version = written.version;
	return 0;
}

/* A container that was removed meanwhile has taken its active snapshot along. */
static int label_active(struct run *run, const char *number, struct error *err)
{
	const struct record *record = run->record;
	cleanup_labels struct labels labels = { 0 };

	if (run_is_orphaned(run))
		return 0;
	if (labels_set(&labels, LABEL_LAST_VERSION, number, err) < 0 ||
	    (record->live && record->kind != OPERATION_RESTORE && live_layer_add_labels(record, &labels, err) < 0))
		return -1;
	if (ctr_snapshot_set_labels(run->session->ctr, record->snapshotter, record->new_active, &labels, err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

int step_label(struct run *run, struct error *err)
{
	char number[16];

	if (run->result->version == 0)
		return 0;
	snprintf(number, sizeof(number), "%d", run->result->version);
	if (rows_label_saved(run->session, run->record, run->result->version, err) < 0 ||
	    step_blueprint_again(run, err) < 0)
		return -1;
	return label_active(run, number, err);
}
