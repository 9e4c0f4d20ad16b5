#include "operation/plan_restore.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "operation/changes.h"
#include "operation/plan_live.h"
#include "operation/task.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"

static int note_change(const char *path, void *to, struct error *err)
{
	(void)path;
	(void)err;
	*(bool *)to = true;
	return 0;
}

/* It was looked at before the lock was held: once more. 1 nothing differs, 0, -1. */
static int is_same(struct session *session, const struct operation_request *request, const struct record *record,
		   struct error *err)
{
	const struct operation_restore *restore = request->restore;
	bool differs = false;

	if (!restore->is_same)
		return 0;
	if (restore->each_change(session, record->container_id, record->rollback_to, note_change, &differs,
				 restore->context, err) < 0)
		return -1;
	return !differs;
}

int plan_restore_judge(struct session *session, const struct operation_request *request, const struct record *record,
		       struct operation_result *result, struct error *err)
{
	int same = is_same(session, request, record, err);

	result->restored_from = record->rollback_to;
	if (same <= 0)
		return same;
	if (request->restore->path_count == 0 &&
	    (snapshot_labels_keep(session, record->snapshotter, record->rollback_name, err) < 0 ||
	     ctr_snapshot_set_label(session->ctr, record->snapshotter, record->old_active, LABEL_STANDS_ON,
				    record->rollback_name, err) < 0))
		return -1;
	result->unchanged = true;
	return 1;
}

/* Of the paths that bytes of any kind may stand in, the event tells what text there is. */
static int keep_paths(const struct operation_restore *restore, struct record *record, struct error *err)
{
	cleanup_json cJSON *paths = cJSON_CreateArray();

	if (restore->path_count == 0)
		return 0;
	for (size_t i = 0; i < restore->path_count; i++) {
		cleanup_free char *path = strdup(restore->paths[i]);
		cJSON *item;

		if (path && !text_is_utf8(path, strlen(path)))
			text_clean(path);
		item = path ? cJSON_CreateString(path) : NULL;
		if (!item || !cJSON_AddItemToArray(paths, item))
			return error_memory(err);
	}
	record->paths = json_print(paths, err);
	return record->paths ? 0 : -1;
}

/* A workspace that does not run was saved before, with everything that it takes to stop one: that must be what it is. */
static int check_saved(struct session *session, const struct operation_request *request,
		       const struct saved_before *saved, const struct location *location, const struct record *record,
		       struct error *err)
{
	int same = saved->name && record->stands_on && strcmp(saved->name, record->stands_on) == 0;

	if (request->no_save)
		return 0;
	if (same && location->stacks)
		same = changes_none(session, record->snapshotter, record->old_active, record->stands_on, err);
	if (same != 0)
		return same < 0 ? -1 : 0;
	return error_set(err, ERROR_FAILED, "'%s' was stopped, or has changed, meanwhile: no file was restored",
			 record->container_id);
}

int plan_restore(struct session *session, const struct operation_request *request, const struct saved_before *saved,
		 const struct ctr_snapshot *active, const struct location *location, struct record *record,
		 struct error *err)
{
	/* One that is to be started again has a state, and no process. */
	bool runs = record->old_pid != 0 && plan_live_has_processes(record->state);
	bool saves = runs && !request->no_save;

	if (record->old_pid != 0 && record->state == CTR_TASK_CREATED)
		return error_set(err, ERROR_FAILED, "'%s' is just being started, and was not touched",
				 record->container_id);
	if (keep_paths(request->restore, record, err) < 0 ||
	    (!runs && check_saved(session, request, saved, location, record, err) < 0))
		return -1;
	if (saves && plan_live_layer(session, active, location, record, err) < 0)
		return -1;
	record->live = true;
	record->save = saves ? SAVE_ALWAYS : SAVE_NEVER;
	record->restore_saved = saves ? 0 : saved->version;
	record->max_freeze_ms = (int)(request->max_freeze_ms ? request->max_freeze_ms : OPERATION_MAX_FREEZE_MS);
	free(record->new_active);
	record->new_active = strdup(record->old_active);
	record->filling = text_format("%s-live-%lld", record->container_id, (long long)record->created_ns);
	/* Nothing starts it while it runs. */
	if (runs)
		free(steal_pointer(record->restart_status));
	return record->new_active && record->filling ? 0 : error_memory(err);
}
