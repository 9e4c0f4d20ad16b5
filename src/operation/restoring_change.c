#include "operation/restoring_change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "layer/content.h"
#include "live/own_group.h"
#include "live/processes.h"
#include "live/runtime.h"
#include "operation/lease.h"
#include "operation/orphan.h"
#include "operation/restoring_start.h"
#include "operation/room.h"
#include "task/process.h"
#include "workspace/mount_table.h"
#include "workspace/whole_layer.h"

int restoring_begin_list(struct restoring *restoring, struct error *err)
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

/* Without a PID namespace of its own only its control group tells which they are. */
static int find_processes(uint32_t pid, struct processes *processes, struct error *err)
{
	const struct live_request request = { .pid = pid };
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	struct error ignored = { 0 };

	if (processes_of(processes, pid, err) < 0)
		return -1;
	if (processes->count > 1 || own_group_find(&request, &freezer, &ignored) < 0)
		return 0;
	return processes_in(processes, freezer.folder, err);
}

/* Of the mount namespaces that its processes have made for themselves, too: what is mounted there on a place that goes would
 * go with it. Paths that are seen from another root only protect more than they have to. */
int restoring_add_mounts(struct restoring *restoring, struct error *err)
{
	cleanup_processes struct processes processes = { 0 };

	if (!restoring->pid)
		return 0;
	if (add_mounts(restoring, err) < 0 || find_processes(restoring->pid, &processes, err) < 0)
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

/* All files are made, in one way or another, before anything is changed; and nobody takes the room for the rest. */
static int make_files(struct restoring *restoring, struct error *err)
{
	struct replace *replace = &restoring->replace;
	const char *upper = restoring->run->record->old_upper;
	uint64_t rest;

	if (room_check(replace, upper, &rest, err) < 0 || replace_stage(replace, 0, err) < 0 ||
	    replace_shelve(replace, err) < 0)
		return -1;
	return room_hold(upper, rest, &restoring->held, err);
}

/* As many as can be made while others are at work. */
static int make_unnamed(struct restoring *restoring, struct error *err)
{
	uint64_t rest;

	if (room_check(&restoring->replace, restoring->run->record->old_upper, &rest, err) < 0)
		return -1;
	return replace_stage(&restoring->replace, CONTENT_WRITE_BEHIND, err);
}

/* Little is left to be written back in the freeze. */
int restoring_write_back(const struct restoring *restoring, struct error *err)
{
	cleanup_fd int root = openat(restoring->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || syncfs(root) < 0)
		return error_errno(err, ERROR_FAILED, errno, "the files cannot be written back");
	return 0;
}

int restoring_keep_layer(const struct restoring *restoring, struct error *err)
{
	if (restoring->layer && whole_layer_mark(restoring->layer, err) < 0)
		return -1;
	return restoring_write_back(restoring, err);
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
	    replace_check(&restoring->replace, err) < 0 || make_unnamed(restoring, err) < 0 ||
	    worklist_note(&restoring->worklist, &restoring->replace, false, err) < 0)
		return -1;
	log_detail("%zu entries differ, %llu bytes are ready", restoring->replace.count,
		   (unsigned long long)restoring->replace.bytes);
	return restoring_write_back(restoring, err);
}

static int moved(const char *path, bool whole, void *context, struct error *err)
{
	struct restoring *restoring = context;

	replace_doubt(&restoring->replace, path, whole);
	return replace_compare(&restoring->replace, path, whole, err);
}

/* Somebody may have started what did not run, or made the container anew. */
static int check_again(struct restoring *restoring, struct error *err)
{
	const char *id = restoring->run->record->container_id;
	uint32_t pid;

	if (restoring_find_pid(restoring->run, &pid, err) < 0)
		return -1;
	if (pid != restoring->pid)
		return error_set(err, ERROR_FAILED, "'%s' was %s meanwhile, and nothing was changed", id,
				 restoring->pid ? "stopped or started anew" : "started");
	return orphan_check(restoring->run, err);
}

/* The stamp of one that does not run. */
#define STOPPED "stopped"

bool restoring_was_stopped(const struct restoring *restoring)
{
	const char *stamp = restoring->worklist.stamp;

	return stamp && strcmp(stamp, STOPPED) == 0;
}

int restoring_stamp(const struct restoring *restoring, char **stamp, struct error *err)
{
	int64_t runtime = restoring->runtime >= 0 ? runtime_settled(restoring->runtime) : -1;
	char boot[BOOT_ID_SIZE];

	boot_id(boot);
	free(*stamp);
	*stamp = runtime >= 0     ? text_format("%s %u %lld", boot, restoring->pid, (long long)runtime)
		 : restoring->pid ? strdup("")
				  : strdup(STOPPED);
	return *stamp ? 0 : error_memory(err);
}

/* All that can be known before is known now; and what is saved has to outlive a power cut before anything of it is changed. */
static int ready(void *context, struct error *err)
{
	struct restoring *restoring = context;

	if (restoring_add_mounts(restoring, err) < 0 || replace_link(&restoring->replace, true, err) < 0 ||
	    replace_settle_links(&restoring->replace, err) < 0 || replace_check(&restoring->replace, err) < 0 ||
	    make_files(restoring, err) < 0 || check_again(restoring, err) < 0 ||
	    restoring_stamp(restoring, &restoring->worklist.stamp, err) < 0 ||
	    worklist_note(&restoring->worklist, &restoring->replace, true, err) < 0)
		return -1;
	return restoring->layer ? restoring_keep_layer(restoring, err) : 0;
}

static int seal(void *context, struct error *err)
{
	struct restoring *restoring = context;

	return worklist_seal(&restoring->worklist, err);
}

/* Nothing was changed: nobody is to do it any more. */
static int give_up(void *context)
{
	struct restoring *restoring = context;
	struct error err = { 0 };

	/* It may be tried again, and more is copied then. */
	if (worklist_unseal(&restoring->worklist, &err) == 0 &&
	    (!restoring->layer || whole_layer_unmark(restoring->layer, &err) == 0))
		return 0;
	log_detail("%s", err.message);
	return -1;
}

/* Nobody may have it mounted but we: who starts it all the same, and writes before he is seen, is seen by what he has written. */
static int watch_layer(struct restoring *restoring, struct error *err)
{
	const char *upper = restoring->run->record->old_upper;

	if (restoring->pid || restoring->in_guard || !upper)
		return 0;
	if (restoring->upper < 0)
		restoring->upper = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (restoring->upper < 0)
		return error_errno(err, ERROR_FAILED, errno, "the writable layer '%s' cannot be opened", upper);
	/* The first look is before the first change. */
	restoring->looked_ms = 0;
	return replace_watch(&restoring->replace, restoring->upper, err);
}

/* Where somebody has started it meanwhile, this ends in the middle, and the list stays: all of it is made again. */
static int make(void *context, struct error *err)
{
	struct restoring *restoring = context;
	struct error failure = { 0 };
	int made, started;

	restoring->run->changed = true;
	if (restoring->held >= 0)
		close(steal_fd(&restoring->held));
	restoring->replace.is_to_stop = restoring_sees_start;
	restoring->replace.stop_context = restoring;
	made = watch_layer(restoring, err) < 0 ? -1 : replace_apply(&restoring->replace, err);
	started = restoring_was_started(restoring, &failure);
	if (made == 0 && started == 0)
		return worklist_close(&restoring->worklist, err);
	/* Who tries it next makes the files anew: these take his room. */
	replace_release(&restoring->replace);
	if (made == 0 && started < 0)
		*err = failure;
	/* The guard cannot tell whether anybody has started it: what it could not make is not made. */
	if (started <= 0 || (made < 0 && restoring->in_guard))
		return -1;
	restoring->started = true;
	error_clear(err);
	return 0;
}

/* In the guard: what is to be done stands on the disk. */
static int finish(void *context)
{
	struct restoring *restoring = context;
	struct error err = { 0 };
	int sealed;

	restoring->in_guard = true;
	replace_release(&restoring->replace);
	if (restoring_begin_list(restoring, &err) < 0)
		return -1;
	/* A run that was resumed may have found mounts that the list does not know. */
	if (restoring_add_mounts(restoring, &err) < 0)
		error_clear(&err);
	sealed = worklist_read(&restoring->worklist, &restoring->replace, &err);
	return sealed > 0 ? make(restoring, &err) : sealed;
}

/* Behind the thaw: it is on the disk, and never to be made again, whatever is written to the files from now on. */
static int settle(void *context)
{
	struct restoring *restoring = context;
	struct error err = { 0 };

	if (restoring->started)
		return 0;
	if (restoring_write_back(restoring, &err) == 0 && worklist_settle(&restoring->worklist, &err) == 0)
		return 0;
	log_detail("%s", err.message);
	return -1;
}

void restoring_set_change(struct restoring *restoring)
{
	restoring->change = (struct live_change){
		.look = look,
		.moved = moved,
		.ready = ready,
		.seal = seal,
		.give_up = give_up,
		.make = make,
		.finish = finish,
		.settle = settle,
		.kept = { restoring->root, restoring->tree, restoring->run->session->state_dir,
			  restoring->worklist.file, -1, -1, -1, -1 },
		.context = restoring,
	};
}

/* --- once more ---------------------------------------------------------------------------------------------- */

/* As much as can be done before it stands still. */
static int look_again(void *context, struct error *err)
{
	struct restoring *restoring = context;

	return replace_settle_links(&restoring->replace, err) < 0 ? -1 : make_unnamed(restoring, err);
}

/* The list stays what it is. */
static int moved_again(const char *path, bool whole, void *context, struct error *err)
{
	struct restoring *restoring = context;

	(void)err;
	replace_doubt(&restoring->replace, path, whole);
	return 0;
}

static int ready_again(void *context, struct error *err)
{
	struct restoring *restoring = context;

	if (restoring_add_mounts(restoring, err) < 0 || replace_settle_links(&restoring->replace, err) < 0)
		return -1;
	return make_files(restoring, err);
}

/* It is sealed, and stays so. */
static int keep_sealed(void *context)
{
	(void)context;
	return 0;
}

void restoring_set_again(struct restoring *restoring, int (*saved)(void *context, struct error *err))
{
	restoring_set_change(restoring);
	restoring->change.look = look_again;
	restoring->change.moved = moved_again;
	restoring->change.ready = ready_again;
	restoring->change.seal = saved;
	restoring->change.give_up = keep_sealed;
}
