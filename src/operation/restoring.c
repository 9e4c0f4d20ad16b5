#include "operation/restoring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "live/processes.h"
#include "operation/lease.h"
#include "operation/orphan.h"
#include "operation/root.h"
#include "operation/task.h"
#include "task/process.h"
#include "workspace/disk_space.h"
#include "workspace/mount_table.h"
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

/* 0: the workspace does not run. */
static int find_pid(struct run *run, uint32_t *pid, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	*pid = task_has_process(task.state) ? task.pid : 0;
	return 0;
}

/* --- what it works on --------------------------------------------------------------------------------------- */

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
	return tree_mount(&mounts, view, err);
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
	restoring->root = restoring->pid ? root_open(run, restoring->pid, err) : mount_root(run, err);
	return restoring->root < 0 ? -1 : check_writable(restoring, err);
}

static int begin_list(struct restoring *restoring, struct error *err)
{
	return replace_begin(&restoring->replace, restoring->root, restoring->tree,
			     restoring->run->record->operation_id, err);
}

/* --- working it out ----------------------------------------------------------------------------------------- */

static int add_mount(const char *point, void *context, struct error *err)
{
	struct restoring *restoring = context;

	return replace_add_mount(&restoring->replace, point + 1, err);
}

static int add_change(const char *path, void *context, struct error *err)
{
	struct restoring *restoring = context;

	return replace_add(&restoring->replace, path + 1, err);
}

static int add_mounts(struct restoring *restoring, struct error *err)
{
	return restoring->pid ? mount_table_each(restoring->pid, add_mount, restoring, err) : 0;
}

/* Of the mount namespaces that its processes have made for themselves, too: what is mounted there on a place that goes would
 * go with it. Paths that are seen from another root only protect more than they have to. */
static int add_mounts_of_all(struct restoring *restoring, struct error *err)
{
	cleanup_processes struct processes processes = { 0 };

	if (!restoring->pid)
		return 0;
	if (add_mounts(restoring, err) < 0 || processes_of(&processes, restoring->pid, err) < 0)
		return -1;
	for (size_t i = 0; i < processes.count; i++)
		if (!process_shares_mounts(restoring->pid, processes.pids[i]) &&
		    mount_table_each(processes.pids[i], add_mount, restoring, err) < 0)
			error_clear(err); /* it has ended */
	return 0;
}

static int set_limits(struct restoring *restoring, struct error *err)
{
	const struct operation_restore *asked = restoring->run->restore;

	for (size_t i = 0; i < asked->path_count; i++)
		if (replace_add_scope(&restoring->replace, asked->paths[i] + 1, err) < 0)
			return -1;
	return add_mounts(restoring, err);
}

static int check_room(struct restoring *restoring, struct error *err)
{
	const char *upper = restoring->run->record->old_upper;
	uint64_t bytes;

	if (!upper || replace_cost(&restoring->replace, &bytes, err) < 0)
		return upper ? -1 : 0;
	return disk_space_check_for(upper, bytes, restoring->replace.count, "restoring files", err);
}

/* Little is left to be written back in the freeze. */
static int write_back(const struct restoring *restoring, struct error *err)
{
	cleanup_fd int root = openat(restoring->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || syncfs(root) < 0)
		return error_errno(err, ERROR_FAILED, errno, "the files cannot be written back");
	return 0;
}

static int look(void *context, struct error *err)
{
	struct restoring *restoring = context;
	struct run *run = restoring->run;
	const struct operation_restore *asked = run->restore;

	if (set_limits(restoring, err) < 0 ||
	    asked->each_change(run->session, run->record->container_id, run->record->rollback_to, add_change, restoring,
			       asked->context, err) < 0)
		return -1;
	/* Who compares has a lease of his own. */
	if (lease_take(run, err) < 0 || replace_link(&restoring->replace, true, err) < 0 ||
	    replace_check(&restoring->replace, err) < 0 || check_room(restoring, err) < 0 ||
	    replace_stage(&restoring->replace, err) < 0 ||
	    worklist_note(&restoring->worklist, &restoring->replace, false, err) < 0)
		return -1;
	log_detail("%zu entries differ, %llu bytes are ready", restoring->replace.count,
		   (unsigned long long)restoring->replace.bytes);
	return write_back(restoring, err);
}

static int moved(const char *path, bool whole, void *context, struct error *err)
{
	struct restoring *restoring = context;

	return replace_compare(&restoring->replace, path, whole, err);
}

/* Somebody may have started what did not run, or made the container anew. */
static int check_again(struct restoring *restoring, struct error *err)
{
	const char *id = restoring->run->record->container_id;
	uint32_t pid;

	if (find_pid(restoring->run, &pid, err) < 0)
		return -1;
	if (pid != restoring->pid)
		return error_set(err, ERROR_FAILED, "'%s' was %s meanwhile, and nothing was changed", id,
				 restoring->pid ? "stopped or started anew" : "started");
	return orphan_check(restoring->run, err);
}

/* All that can be known before is known now; and what is saved has to outlive a power cut before anything of it is changed. */
static int ready(void *context, struct error *err)
{
	struct restoring *restoring = context;

	if (add_mounts_of_all(restoring, err) < 0 || replace_link(&restoring->replace, false, err) < 0 ||
	    replace_check(&restoring->replace, err) < 0 || check_room(restoring, err) < 0 ||
	    replace_stage(&restoring->replace, err) < 0 || check_again(restoring, err) < 0 ||
	    worklist_note(&restoring->worklist, &restoring->replace, true, err) < 0)
		return -1;
	return record_saves(restoring->run->record) ? write_back(restoring, err) : 0;
}

static int seal(void *context, struct error *err)
{
	struct restoring *restoring = context;
	struct error ignored = { 0 };

	if (worklist_seal(&restoring->worklist, err) == 0) {
		restoring->run->changed = true;
		return 0;
	}
	if (worklist_remove(restoring->worklist.folder, restoring->worklist_name, &ignored) == 0 ||
	    worklist_is_sealed(&restoring->worklist) == 0)
		return -1;
	/* It is sealed for whoever comes next: then it has to be so for us. */
	log_detail("%s", ignored.message);
	error_clear(err);
	restoring->run->changed = true;
	return 0;
}

static int make(void *context, struct error *err)
{
	struct restoring *restoring = context;

	return replace_apply(&restoring->replace, err) < 0 ? -1 : worklist_close(&restoring->worklist, err);
}

/* In the guard: what is to be done stands on the disk. */
static int finish(void *context)
{
	struct restoring *restoring = context;
	struct error err = { 0 };
	int sealed;

	replace_release(&restoring->replace);
	if (begin_list(restoring, &err) < 0)
		return -1;
	sealed = worklist_read(&restoring->worklist, &restoring->replace, &err);
	return sealed > 0 ? make(restoring, &err) : sealed;
}

/* Behind the thaw: it is on the disk, and never to be made again, whatever is written to the files from now on. */
static int settle(void *context)
{
	struct restoring *restoring = context;
	struct error err = { 0 };

	if (write_back(restoring, &err) == 0 && worklist_settle(&restoring->worklist, &err) == 0)
		return 0;
	log_detail("%s", err.message);
	return -1;
}

static void set_change(struct restoring *restoring)
{
	restoring->change = (struct live_change){
		.look = look,
		.moved = moved,
		.ready = ready,
		.seal = seal,
		.make = make,
		.finish = finish,
		.settle = settle,
		.kept = { restoring->root, restoring->tree, restoring->run->session->state_dir,
			  restoring->worklist.file, -1, -1, -1, -1 },
		.context = restoring,
	};
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

static int create(struct run *run, uint32_t pid, struct error *err)
{
	struct restoring *restoring = calloc(1, sizeof(*restoring));

	restoring_end(run);
	run->restoring = restoring;
	if (!restoring)
		return error_memory(err);
	*restoring = (struct restoring){ .run = run, .worklist = WORKLIST_NONE, .root = -1, .tree = -1, .pid = pid };
	restoring->worklist_name = worklist_name(run, err);
	return restoring->worklist_name ? 0 : -1;
}

int restoring_begin(struct run *run, struct error *err)
{
	if (create(run, (uint32_t)run->record->old_pid, err) < 0 || open_all(run->restoring, err) < 0 ||
	    begin_list(run->restoring, err) < 0 ||
	    worklist_begin(&run->restoring->worklist, run->session->state_dir, run->restoring->worklist_name,
			   run->record->operation_id, err) < 0)
		return -1;
	set_change(run->restoring);
	return 0;
}

void restoring_end(struct run *run)
{
	struct restoring *restoring = run->restoring;

	run->restoring = NULL;
	if (!restoring)
		return;
	replace_release(&restoring->replace);
	worklist_release(&restoring->worklist);
	if (restoring->root >= 0)
		close(restoring->root);
	if (restoring->tree >= 0)
		close(restoring->tree);
	free(restoring->worklist_name);
	free(restoring);
}

int restoring_make(struct restoring *restoring, struct error *err)
{
	if (look(restoring, err) < 0 || ready(restoring, err) < 0 || seal(restoring, err) < 0)
		return -1;
	if (make(restoring, err) == 0) {
		settle(restoring);
		return 0;
	}
	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "its files are not changed to the end");
	return error_hint(err, "'wsnap recover %s' does the rest", restoring->run->record->container_id);
}

int restoring_is_begun(struct run *run, struct error *err)
{
	cleanup_free char *name = worklist_name(run, err);

	return name ? worklist_exists(run->session->state_dir, name, run->record->operation_id, err) : -1;
}

static int finish_running(struct run *run, live_note_freezer note, struct error *err)
{
	struct restoring *restoring = run->restoring;
	uint32_t others[OTHERS_MAX];
	const struct live_request request = {
		.pid = restoring->pid,
		.others = others,
		.other_count = restoring_list_others(run, restoring->pid, others),
		.change = &restoring->change,
		.note_freezer = note,
		.context = run,
	};

	return live_finish(&request, task_is_paused(run->record->state), err);
}

static int finish_begun(struct run *run, live_note_freezer note, struct error *err)
{
	struct restoring *restoring = run->restoring;
	struct replace *replace = &restoring->replace;
	int begun;

	if (begin_list(restoring, err) < 0)
		return -1;
	begun = worklist_open(&restoring->worklist, run->session->state_dir, restoring->worklist_name,
			      run->record->operation_id, replace, err);
	if (begun <= 0)
		return begun;
	if (open_all(restoring, err) < 0 || add_mounts_of_all(restoring, err) < 0)
		return -1;
	replace_turn(replace, restoring->root, restoring->tree);
	set_change(restoring);
	if (restoring->pid)
		return finish_running(run, note, err);
	if (make(restoring, err) < 0)
		return -1;
	settle(restoring);
	return 0;
}

int restoring_finish(struct run *run, live_note_freezer note, struct error *err)
{
	uint32_t pid;
	int done;

	if (find_pid(run, &pid, err) < 0 || lease_take(run, err) < 0)
		return -1;
	done = create(run, pid, err) < 0 ? -1 : finish_begun(run, note, err);
	/* Nothing of it is mounted or open any more when the workspace is started again. */
	restoring_end(run);
	if (done == 0)
		return 0;
	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "'%s' has files that are not changed to the end", run->record->container_id);
	return error_hint(err, "'wsnap recover %s' does the rest", run->record->container_id);
}

int restoring_forget(struct run *run, struct error *err)
{
	cleanup_free char *name = worklist_name(run, err);

	return name ? worklist_remove(run->session->state_dir, name, err) : -1;
}

int restoring_tidy(struct run *run, struct error *err)
{
	cleanup_free char *view = view_name(run, err);

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
