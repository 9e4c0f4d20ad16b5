#include "operation/restoring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "live/runtime.h"
#include "operation/frozen.h"
#include "operation/lease.h"
#include "operation/restoring_change.h"
#include "operation/restoring_start.h"
#include "operation/root.h"
#include "operation/task.h"
#include "task/process.h"
#include "workspace/tree.h"

static char *worklist_name(const struct run *run, struct error *err)
{
	char *name = text_format("%s~%s.restore", run->session->settings->namespace, run->record->container_id);

	if (!name)
		error_memory(err);
	return name;
}

static char *view_name(const struct run *run, struct error *err)
{
	char *name = text_format("%s-restore-%lld", run->record->container_id, (long long)run->record->created_ns);

	if (!name)
		error_memory(err);
	return name;
}

/* --- what it works on --------------------------------------------------------------------------------------- */

/* What was written in the workspace bears the ids of the host, and so does what is put there. */
static int mount_tree(const struct record *record, const struct ctr_mounts *mounts, const char *view, struct error *err)
{
	struct id_maps maps;

	if (!record->uid_map && !record->gid_map)
		return tree_mount(mounts, view, err);
	return id_maps_parse(record->uid_map, record->gid_map, &maps, err) < 0
		       ? -1
		       : tree_mount_mapped(mounts, &maps, view, err);
}

/* The version's files. The view is the operation's until it ends; an earlier try may have made it. */
static int open_tree_of(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	cleanup_free char *view = view_name(run, err);
	int found = view ? ctr_snapshot_stat(run->session->ctr, record->snapshotter, view, NULL, err) : -1;

	if (found < 0 || (found ? ctr_snapshot_mounts(run->session->ctr, record->snapshotter, view, &mounts, err)
				: ctr_snapshot_view(run->session->ctr, record->snapshotter, view, record->rollback_name,
						    &mounts, err)) < 0)
		return -1;
	return mount_tree(record, &mounts, view, err);
}

/* Of a workspace that does not run: nobody else has it mounted. */
static int mount_root(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };

	if (ctr_snapshot_mounts(run->session->ctr, record->snapshotter, record->old_active, &mounts, err) < 0)
		return -1;
	return tree_mount_writable(&mounts, err);
}

/* What cannot be written to must be known before anything is begun. */
static int check_writable(const struct restoring *restoring, struct error *err)
{
	struct statvfs status;

	if (fstatvfs(restoring->root, &status) == 0 && status.f_flag & ST_RDONLY)
		return error_set(err, ERROR_REFUSED, "the root of '%s' is read-only",
				 restoring->run->record->container_id);
	return 0;
}

static int open_all(struct restoring *restoring, struct error *err)
{
	struct run *run = restoring->run;

	restoring->tree = open_tree_of(run, err);
	if (restoring->tree < 0)
		return -1;
	restoring->runtime = restoring->pid ? runtime_open(restoring->pid) : -1;
	restoring->root = restoring->pid ? root_open(run, restoring->pid, err) : mount_root(run, err);
	return restoring->root < 0 ? -1 : check_writable(restoring, err);
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

static int create(struct run *run, uint32_t pid, struct error *err)
{
	struct restoring *restoring = calloc(1, sizeof(*restoring));

	restoring_end(run);
	run->restoring = restoring;
	if (!restoring)
		return error_memory(err);
	*restoring = (struct restoring){ .run = run,
					 .worklist = WORKLIST_NONE,
					 .root = -1,
					 .tree = -1,
					 .upper = -1,
					 .held = -1,
					 .runtime = -1,
					 .pid = pid };
	restoring->worklist_name = worklist_name(run, err);
	return restoring->worklist_name ? 0 : -1;
}

int restoring_begin(struct run *run, struct error *err)
{
	if (create(run, (uint32_t)run->record->old_pid, err) < 0 || open_all(run->restoring, err) < 0 ||
	    restoring_begin_list(run->restoring, err) < 0 ||
	    worklist_begin(&run->restoring->worklist, run->session->state_dir, run->restoring->worklist_name,
			   run->record->operation_id, err) < 0)
		return -1;
	restoring_set_change(run->restoring);
	return 0;
}

int restoring_note_layer(struct restoring *restoring, const char *folder, struct error *err)
{
	free(restoring->layer);
	restoring->layer = strdup(folder);
	return restoring->layer ? 0 : error_memory(err);
}

void restoring_end(struct run *run)
{
	struct restoring *restoring = run->restoring;

	run->restoring = NULL;
	if (!restoring)
		return;
	replace_release(&restoring->replace);
	worklist_release(&restoring->worklist);
	if (restoring->held >= 0)
		close(restoring->held);
	if (restoring->upper >= 0)
		close(restoring->upper);
	if (restoring->runtime >= 0)
		close(restoring->runtime);
	if (restoring->root >= 0)
		close(restoring->root);
	if (restoring->tree >= 0)
		close(restoring->tree);
	free(restoring->worklist_name);
	free(restoring->layer);
	free(restoring);
}

int restoring_make(struct restoring *restoring, struct error *err)
{
	const struct live_change *change = &restoring->change;

	if (change->look(restoring, err) < 0)
		return -1;
	/* Nobody tells of what moves. */
	replace_doubt(&restoring->replace, "", true);
	if (change->ready(restoring, err) < 0)
		return -1;
	if (change->seal(restoring, err) < 0) {
		if (change->give_up(restoring) < 0)
			err->kind = ERROR_INCOMPLETE;
		return -1;
	}
	if (change->make(restoring, err) == 0) {
		change->settle(restoring);
		return 0;
	}
	err->kind = ERROR_INCOMPLETE;
	return -1;
}

int restoring_is_begun(struct run *run, struct error *err)
{
	cleanup_free char *name = worklist_name(run, err);

	return name ? worklist_exists(run->session->state_dir, name, run->record->operation_id, err) : -1;
}

static int finish_running(struct run *run, struct error *err)
{
	struct restoring *restoring = run->restoring;
	uint32_t others[OTHERS_MAX];
	const struct live_request request = {
		.pid = restoring->pid,
		.others = others,
		.other_count = restoring_list_others(run, restoring->pid, others),
		.change = &restoring->change,
		.note_freezer = frozen_note,
		.context = run,
	};

	return live_finish(&request, frozen_by_us(run), err);
}

static int open_begun(struct run *run, struct error *err)
{
	struct restoring *restoring = run->restoring;
	int begun;

	if (restoring_begin_list(restoring, err) < 0)
		return -1;
	begun = worklist_open(&restoring->worklist, run->session->state_dir, restoring->worklist_name,
			      run->record->operation_id, &restoring->replace, err);
	if (begun <= 0)
		return begun;
	if (open_all(restoring, err) < 0 || restoring_add_mounts(restoring, err) < 0)
		return -1;
	replace_turn(&restoring->replace, restoring->root, restoring->tree);
	restoring_set_change(restoring);
	return 1;
}

int restoring_open(struct run *run, struct error *err)
{
	uint32_t pid;

	if (restoring_find_pid(run, &pid, err) < 0 || lease_take(run, err) < 0 || create(run, pid, err) < 0)
		return -1;
	return open_begun(run, err);
}

static int finish_stopped(struct run *run, struct error *err)
{
	const struct live_change *change = &run->restoring->change;

	if (change->make(run->restoring, err) < 0)
		return -1;
	change->settle(run->restoring);
	return 0;
}

int restoring_finish(struct run *run, struct error *err)
{
	if ((run->restoring->pid ? finish_running(run, err) : finish_stopped(run, err)) < 0)
		return -1;
	return run->restoring->started || worklist_is_due(&run->restoring->worklist)
		       ? error_set(err, ERROR_INCOMPLETE, "it was started by somebody while its files were changed")
		       : 0;
}

int restoring_forget(struct run *run, struct error *err)
{
	cleanup_free char *name = worklist_name(run, err);

	return name ? worklist_remove(run->session->state_dir, name, err) : -1;
}

static int remove_folder(const char *path, struct error *err)
{
	return rmdir(path) == 0 ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot remove '%s'", path);
}

/* Of a workspace that runs, through its root; else nobody has it mounted. */
static int clear_shelf(struct run *run, const char *path, struct error *err)
{
	uint32_t pid;

	if (restoring_find_pid(run, &pid, err) < 0)
		return -1;
	if (!pid)
		return layer_clear(path, err) < 0 ? -1 : remove_folder(path, err);
	if (create(run, pid, err) < 0)
		return -1;
	run->restoring->root = root_open(run, pid, err);
	if (run->restoring->root < 0 || restoring_begin_list(run->restoring, err) < 0)
		return -1;
	return replace_clear_shelf(&run->restoring->replace, err);
}

/* Who was killed before the change was begun may have left files there that were to be put in place. */
static void clear_shelf_left(struct run *run)
{
	const char *upper = run->record->old_upper;
	cleanup_free char *name = replace_shelf_name(run->record->operation_id);
	cleanup_free char *path = name && upper ? text_format("%s/%s", upper, name) : NULL;
	struct error err = { 0 };

	if (!run->resumed || !path || access(path, F_OK) < 0)
		return;
	if (clear_shelf(run, path, &err) < 0)
		log_warning("the folder '/%s' is left in '%s': %s", name, run->record->container_id, err.message);
	restoring_end(run);
}

int restoring_tidy(struct run *run, struct error *err)
{
	cleanup_free char *view = view_name(run, err);

	clear_shelf_left(run);
	if (!view || restoring_forget(run, err) < 0)
		return -1;
	return ctr_snapshot_remove(run->session->ctr, run->record->snapshotter, view, err);
}

size_t restoring_list_others(const struct run *run, uint32_t pid, uint32_t others[OTHERS_MAX])
{
	uint32_t server = process_behind_socket(run->session->settings->address);
	uint32_t shim = process_parent(pid);
	size_t count = 0;

	others[count++] = (uint32_t)getpid();
	if (server > 0)
		others[count++] = server;
	if (shim > 0)
		others[count++] = shim;
	return count;
}
