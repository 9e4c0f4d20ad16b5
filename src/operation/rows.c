#include "operation/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/same_server.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"

static const char *status_of(const struct record *record)
{
	return ctr_task_state_name(record->pending == PENDING_START ? CTR_TASK_STOPPED : record->state);
}

struct store_operation rows_of(const struct record *record)
{
	bool rolled_back = record->kind == OPERATION_ROLLBACK && !record->turned_back;
	bool restored = record->kind == OPERATION_RESTORE && !record->turned_back;
	struct store_operation row = {
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
		.origin = { .by = record->origin.by, .host = record->origin.host, .note = record->origin.note },
		.is_live = record->live,
		.rolled_back_to = rolled_back ? record->rollback_to : 0,
		.rollback_runtime_name = rolled_back ? record->rollback_name : NULL,
		.restored_from = restored ? record->rollback_to : 0,
		.restore_saved = record->restore_saved,
		.restored_paths = record->paths,
	};

	if (record_makes_version(record)) {
		row.runtime_name = record->saved;
		row.display_name = record->display_name;
		row.parent = record->stands_on;
		row.version_event = kind_words(record->kind)->event;
	}
	return row;
}

int rows_rehearse(struct session *session, const struct record *record, struct error *err)
{
	struct store_operation rows = rows_of(record);

	if (store_rehearse_operation(session->store, &rows, err) == 0)
		return 0;
	if (err->kind == ERROR_DATABASE)
		error_wrap(err, "'%s' was not touched, for what is saved of it could not be recorded",
			   record->container_id);
	return -1;
}

int rows_are_refused(const struct record *record, struct error *err)
{
	const char *id = record->container_id;
	char hint[sizeof(err->hint)];

	snprintf(hint, sizeof(hint), "%s", err->hint);
	if (record_makes_version(record))
		error_wrap(err, "'%s' is saved as the snapshot '%s', but is no version yet", id, record->saved);
	else
		error_wrap(err, "'%s' has an operation that is done, but not recorded yet", id);
	err->kind = ERROR_INCOMPLETE;
	if (!hint[0])
		return error_hint(err, "once that has changed, 'wsnap recover %s' records it", id);
	return error_hint(err, "%.400s; then 'wsnap recover %s' records it", hint, id);
}

int rows_label_saved(struct session *session, const struct record *record, int32_t version, struct error *err)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", version);
	if (ctr_snapshot_set_label(session->ctr, record->snapshotter, record->saved, LABEL_VERSION, number, err) == 0)
		return 0;
	if (!error_forgive(err, ERROR_NOT_FOUND))
		return -1;
	log_warning("version %s of '%s' is recorded, but somebody has removed its snapshot '%s'", number,
		    record->container_id, record->saved);
	return 0;
}

/* 1: containerd has no such container any more, 0, -1. */
static int is_gone(struct session *session, const char *container_id, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };

	if (ctr_container_get(session->ctr, container_id, &container, err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 1 : -1;
}

/* What was saved, and has been removed or given up since then: a row would promise what there is not. 1, 0, -1. */
static int is_let_go(struct session *session, const struct record *record, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int found = record_makes_version(record)
			    ? ctr_snapshot_stat(session->ctr, record->snapshotter, record->saved, &snapshot, err)
			    : 1;

	if (found < 0 || (found > 0 && !labels_get(&snapshot.labels, LABEL_GIVEN_UP)))
		return found < 0 ? -1 : 0;
	if (found == 0 && same_server_check(session, record, err) < 0)
		return -1;
	log_warning("what an operation has saved of '%s' becomes no version: its snapshot '%s' %s",
		    record->container_id, record->saved, found ? "was given up" : "is gone");
	return 1;
}

int rows_write_refused(struct session *session, const struct record *record, int32_t *version, struct error *err)
{
	struct store_operation rows = rows_of(record);
	struct store_written written = { 0 };
	int result, gone, let_go = is_let_go(session, record, err);

	if (let_go != 0)
		return let_go < 0 || journal_take_up(session, record, err) < 0 ? -1 : 1;
	gone = is_gone(session, record->container_id, err);
	if (gone < 0)
		return -1;
	rows.is_gone = gone > 0;
	rows.is_late = true;
	result = session->store ? store_write_operation(session->store, &rows, &written, err)
				: error_set(err, ERROR_DATABASE, "the database is not connected");
	if (result < 0)
		return rows_are_refused(record, err);
	*version = written.version;
	if (written.version > 0 && rows_label_saved(session, record, written.version, err) < 0)
		return -1;
	return journal_take_up(session, record, err);
}
