#include "restore/restore.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/names_set.h"
#include "base/text.h"
#include "ctr/tasks.h"
#include "operation/settled_version.h"
#include "recover/bring_back.h"
#include "restore/restore_folder.h"
#include "workspace/history.h"
#include "workspace/mount_table.h"

void restore_result_release(struct restore_result *result)
{
	comparison_release(&result->changes);
	operation_result_release(&result->operation);
	store_version_release(&result->version);
	target_release(&result->target);
	free(result->folder);
	*result = (struct restore_result){ 0 };
}

/* --- what differs ------------------------------------------------------------------------------------------- */

/* The comparison tells how the present came from the version; a restore goes the other way. */
static void turn_around(struct compare_item *item)
{
	int64_t size = item->size;
	const char *now = item->now;

	if (item->change == 'M') {
		mode_t mode = item->mode;

		item->mode = item->mode_before;
		item->mode_before = mode;
	} else {
		item->change = item->change == 'A' ? 'D' : 'A';
	}
	item->size = item->size_before;
	item->size_before = size;
	item->now = item->before;
	item->before = now;
}

static int add_mount(const char *point, void *context, struct error *err)
{
	return names_set_add(context, point, err);
}

/* Where something is mounted in the workspace: that is no part of it. */
static int find_mounts(struct session *session, const struct target *target, struct names_set *mounts,
		       struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(session->ctr, target->container_id, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_NONE || task.state == CTR_TASK_STOPPED)
		return 0;
	return mount_table_each(task.pid, add_mount, mounts, err);
}

static bool is_mounted(const struct names_set *mounts, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		size_t length = strlen(mounts->items[i]);

		if (strncmp(path, mounts->items[i], length) == 0 && (path[length] == '\0' || path[length] == '/'))
			return true;
	}
	return false;
}

static void turn_all(struct comparison *changes, const struct names_set *mounts)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->count; i++) {
		struct compare_item *item = &changes->items[i];

		if (is_mounted(mounts, item->path)) {
			free(item->path);
			continue;
		}
		turn_around(item);
		changes->items[kept++] = *item;
	}
	changes->count = kept;
}

static int work_out(struct session *session, const struct restore_request *request, struct restore_result *result,
		    struct error *err)
{
	const struct compare_request asked = {
		.target = &result->target,
		.before = &result->version,
		.paths = request->paths,
		.path_count = request->path_count,
	};
	cleanup_names_set struct names_set mounts = { 0 };
	int done;

	comparison_release(&result->changes);
	result->changes.session = session;
	done = compare_run(&result->changes, &asked, err);
	/* What it has read is not asked for again, and the request is gone by then. */
	comparison_let_go(&result->changes);
	if (done < 0 || find_mounts(session, &result->target, &mounts, err) < 0)
		return -1;
	turn_all(&result->changes, &mounts);
	return 0;
}

/* --- paths -------------------------------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *folder)
{
	size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool has_changes(const struct restore_result *result, const char *path)
{
	for (size_t i = 0; i < result->changes.count; i++)
		if (is_below(result->changes.items[i].path, path))
			return true;
	return false;
}

/* What is mounted is no part of a version. */
static int check_mounts(struct session *session, const struct restore_request *request,
			const struct restore_result *result, struct error *err)
{
	cleanup_names_set struct names_set mounts = { 0 };

	if (find_mounts(session, &result->target, &mounts, err) < 0)
		return -1;
	for (size_t i = 0; i < request->path_count; i++)
		if (is_mounted(&mounts, request->paths[i]))
			return error_set(err, ERROR_REFUSED,
					 "'%.1000s' is, or lies in, a mount of '%s': that is no part of a version",
					 request->paths[i], result->target.container_id);
	return 0;
}

/* Where nothing differs, both have the path or neither does. */
static int check_paths(struct session *session, const struct restore_request *request,
		       const struct restore_result *result, struct error *err)
{
	for (size_t i = 0; i < request->path_count; i++) {
		int found = has_changes(result, request->paths[i]) || strcmp(request->paths[i], "/") == 0
				    ? 1
				    : restore_version_has(session, &result->version, request->paths[i], err);

		if (found < 0)
			return -1;
		if (!found)
			return error_set(err, ERROR_NOT_FOUND, "neither '%s' nor its version %d has '%.1000s'",
					 result->target.container_id, result->version.version, request->paths[i]);
	}
	return 0;
}

/* --- the operation ------------------------------------------------------------------------------------------ */

struct asked {
	const struct restore_request *request;
	struct restore_result *result;
};

/* Called by the operation, while the workspace is locked and watched. */
static int each_change(struct session *session, const char *container_id, int32_t version,
		       int (*add)(const char *path, void *to, struct error *err), void *to, void *context,
		       struct error *err)
{
	const struct asked *asked = context;
	struct restore_result *result = asked->result;

	(void)version;
	target_release(&result->target);
	result->target = (struct target){ 0 };
	if (target_find(session, container_id, &result->target, err) < 0 ||
	    work_out(session, asked->request, result, err) < 0)
		return -1;
	for (size_t i = 0; i < result->changes.count; i++)
		if (add(result->changes.items[i].path, to, err) < 0)
			return -1;
	return 0;
}

static int operate(struct session *session, const struct restore_request *request, struct restore_result *result,
		   struct error *err)
{
	const struct version_word version = { .kind = VERSION_WORD_NUMBER, .number = result->version.version };
	cleanup_free char *id = strdup(result->target.container_id);
	const struct target_word target = { .text = id };
	struct asked asked = { .request = request, .result = result };
	const struct operation_restore restore = {
		.paths = request->paths,
		.path_count = request->path_count,
		.is_same = result->changes.count == 0,
		.each_change = each_change,
		.context = &asked,
	};
	const struct operation_request operation = {
		.kind = OPERATION_RESTORE,
		.target = &target,
		.version = &version,
		.no_save = request->no_save,
		.max_freeze_ms = request->max_freeze_ms,
		.restore = &restore,
	};

	if (!id)
		return error_memory(err);
	if (operation_run(session, &operation, &result->operation, err) < 0)
		return -1;
	result->saved_version = result->operation.version ? result->operation.version : result->operation.saved_first;
	return 0;
}

int restore_run(struct session *session, const struct restore_request *request, struct restore_result *result,
		struct error *err)
{
	bool into_workspace = !request->folder;

	if (bring_back_and_find(session, request->target, into_workspace, &result->target, err) < 0 ||
	    settled_version_find(session, request->target, request->version, &result->target, &result->version, err) <
		    0)
		return -1;
	if (!into_workspace)
		return restore_into_folder(session, request, result, err);
	if (check_mounts(session, request, result, err) < 0 || work_out(session, request, result, err) < 0 ||
	    check_paths(session, request, result, err) < 0)
		return -1;
	return request->dry_run ? 0 : operate(session, request, result, err);
}
