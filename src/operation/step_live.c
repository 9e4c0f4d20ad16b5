/* The steps of a live version: the writable layer is copied beside the running workspace, and committed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "live/live.h"
#include "operation/frozen.h"
#include "operation/live_layer.h"
#include "operation/long_commit.h"
#include "operation/restoring.h"
#include "operation/steps.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/disk_space.h"
#include "workspace/snapshot_labels.h"
#include "workspace/whole_layer.h"

/* Without a tip a whole layer must fit. With one, the size of what has changed is not known beforehand. */
static int check_size(const char *upper, const char *filesystem, struct error *err)
{
	struct layer_space space;
	int64_t bytes, entries, missing;

	if (layer_shares_content(upper))
		return 0;
	if (layer_usage(upper, &bytes, &entries, err) < 0 || layer_space(filesystem, &space, err) < 0)
		return -1;
	missing = bytes - (int64_t)space.free_bytes;
	if (missing > 0)
		return error_set(err, ERROR_FAILED,
				 "its layer of %lld bytes needs %lld more than are free on the filesystem",
				 (long long)bytes, (long long)missing);
	if (space.total_inodes > 0 && entries > (int64_t)space.free_inodes)
		return error_set(err, ERROR_FAILED, "its layer of %lld entries needs more than are free",
				 (long long)entries);
	return 0;
}

static int find_tip(struct layer_paths *layers, void *context, struct error *err)
{
	return live_layer_find(context, layers, err);
}

static int begin(struct run *run, struct location *location, bool *has_tip, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *index = live_layer_index(run->session, record->container_id, err);
	const char *content = location_content(location, err);
	uint32_t others[OTHERS_MAX];
	const struct live_request request = {
		.pid = (uint32_t)record->old_pid,
		.others = others,
		.other_count = restoring_list_others(run, (uint32_t)record->old_pid, others),
		.marks = location->marks,
		.upper = location->stacks ? content : NULL,
		.index = index,
		.tip = record->live_tip,
		.max_freeze_ms = (unsigned)record->max_freeze_ms,
		.find_tip = find_tip,
		.change = run->restoring ? &run->restoring->change : NULL,
		.note_freezer = frozen_note,
		.context = run,
	};

	if (!content && location->writable)
		return -1;
	return index ? live_begin(&request, &run->live, has_tip, err) : -1;
}

static void keep_result(struct run *run, const struct live_result *taken)
{
	run->result->live = true;
	run->result->frozen_ms = taken->frozen_ms;
	run->result->passes = taken->passes;
	run->result->copied_bytes = taken->copied_bytes;
	run->result->copied_entries = taken->copied_entries;
	log_detail("frozen for %.2f ms, in try %u, after %u passes: %llu entries, %llu bytes copied%s",
		   taken->frozen_ms, taken->tries, taken->passes, (unsigned long long)taken->copied_entries,
		   (unsigned long long)taken->copied_bytes, taken->walked_frozen ? "; all of it was walked" : "");
}

/* The layer that the state goes into; none where only files are restored. */
static int prepare_layer(struct run *run, struct location *location, struct error *err)
{
	if (!record_saves(run->record))
		return 0;
	if (live_layer_prepare(run, err) < 0 ||
	    location_find(run->session, run->record->snapshotter, run->record->filling, location, err) < 0)
		return -1;
	if (run->restoring && restoring_note_layer(run->restoring, location->writable, err) < 0)
		return -1;
	return disk_space_check(location->filesystem, err);
}

/* 1: it has to be done again without a tip. */
static int fill(struct run *run, struct error *err)
{
	cleanup_location struct location location = { 0 };
	struct live_result taken;
	bool again = false;

	if (prepare_layer(run, &location, err) < 0)
		return -1;
	if (live_take(run->live, location.writable, &taken, &again, err) < 0) {
		if (!again)
			return -1;
		log_detail("a new chain of live versions is begun: %s", err->message);
		error_clear(err);
		return 1;
	}
	keep_result(run, &taken);
	return 0;
}

static void forget_tip(struct record *record)
{
	free(steal_pointer(record->live_tip));
}

/* A chain that is not merged is too long for the next version, or for the kernel: then a new one is begun. 1: so it is. */
static int merge_chain(struct run *run)
{
	struct error failure = { 0 };

	if (!run->record->live_tip || !run->record->live_merged || live_layer_merge(run, &failure) == 0)
		return 0;
	log_warning("the layers of live versions of '%s' could not be merged, so a new chain of them is begun: %s",
		    run->record->container_id, failure.message);
	return 1;
}

static int copy_from(struct run *run, struct location *location, struct error *err)
{
	bool has_tip = false;

	live_end(steal_pointer(run->live));
	if ((run->restore && restoring_begin(run, err) < 0) || begin(run, location, &has_tip, err) < 0)
		return -1;
	if (!has_tip && record_saves(run->record)) {
		forget_tip(run->record);
		if (check_size(location->writable, location->filesystem, err) < 0)
			return -1;
	}
	return merge_chain(run) > 0 ? 1 : fill(run, err);
}

/* Somebody has ended it, and started it anew, while it stood still: its control group is gone, and so what has failed since says
 * nothing. */
static int tell_start(const struct run *run, struct error *err)
{
	if (!run->restoring ||
	    (!run->restoring->started && !(run->changed && worklist_is_due(&run->restoring->worklist))))
		return 0;
	return error_set(err, ERROR_INCOMPLETE, "it was started anew by somebody while its files were changed");
}

int step_copy_live(struct run *run, struct error *err)
{
	cleanup_location struct location location = { 0 };
	const char *id = run->record->container_id;
	int copied;

	if (location_find(run->session, run->record->snapshotter, run->record->old_active, &location, err) < 0)
		return -1;
	copied = copy_from(run, &location, err);
	if (copied > 0) {
		forget_tip(run->record);
		copied = copy_from(run, &location, err);
	}
	if (copied > 0)
		return error_set(err, ERROR_FAILED, "'%s' could not be copied", id);
	if (tell_start(run, err) < 0)
		copied = -1;
	restoring_end(run);
	if (copied < 0 && err->kind == ERROR_INCOMPLETE)
		error_hint(err, "'wsnap recover %s' does the rest", id);
	if (copied < 0 && err->kind == ERROR_REFUSED && run->restore)
		error_hint(err, "stop the workspace: then its files are changed as well");
	return copied < 0 ? error_wrap(err, "'%s'", id) : 0;
}

/* containerd syncs its databases alone: without this a power cut could leave a version with holes. */
static int sync_copy(struct run *run, struct location *location, struct error *err)
{
	if (location_find(run->session, run->record->snapshotter, run->record->filling, location, err) < 0)
		return -1;
	return layer_sync(location->writable, err);
}

/* The files were changed: what was saved before must not be taken back. */
static int leave_unkept(struct run *run, struct error *err)
{
	const char *id = run->record->container_id;

	if (!run->changed || err->kind == ERROR_CONTAINERD)
		return -1;
	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "'%s' is restored, but what it was before is no version yet", id);
	return error_hint(err, "'wsnap recover %s' does the rest", id);
}

static int keep(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };
	cleanup_labels struct labels labels = { 0 };
	struct error ignored = { 0 };

	if (sync_copy(run, &location, err) < 0 || snapshot_labels_saved(record, &labels, err) < 0 ||
	    long_commit(run, record->saved, record->filling, location.writable, &labels, err) < 0)
		return -1;
	if (whole_layer_unmark(location.writable, &ignored) < 0)
		log_detail("%s", ignored.message);
	/* Without it the next one compares all of the layer. A resumed run does not know it. */
	if (run->live && live_save_index(run->live, record->saved, &ignored) < 0)
		log_detail("%s", ignored.message);
	return 0;
}

int step_keep(struct run *run, struct error *err)
{
	return keep(run, err) < 0 ? leave_unkept(run, err) : 0;
}
