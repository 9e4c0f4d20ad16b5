#include "operation/meantime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "operation/decide.h"
#include "operation/new_layer.h"
#include "operation/plan_live.h"
#include "operation/restart.h"
#include "operation/restoring.h"
#include "operation/restoring_change.h"
#include "operation/restoring_start.h"
#include "operation/rows.h"
#include "operation/standstill.h"
#include "operation/state_words.h"
#include "operation/steps.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/snapshot_labels.h"

/* --- the version, an operation within the operation ------------------------------------------------------------- */

struct part {
	struct record record;
	struct operation_result result;
	struct run run;
};

static void part_release(struct part *part)
{
	restoring_end(&part->run);
	run_end_part(&part->run);
	operation_result_release(&part->result);
	record_release(&part->record);
}

#define cleanup_part __attribute__((cleanup(part_release)))

struct copied {
	char **to;
	const char *from;
};

static int copy_texts(const struct record *whole, struct record *record, struct error *err)
{
	const struct copied all[] = {
		{ &record->operation_id, whole->meantime_id },
		{ &record->container_id, whole->container_id },
		{ &record->namespace, whole->namespace },
		{ &record->bot_id, whole->bot_id },
		{ &record->image, whole->image },
		{ &record->snapshotter, whole->snapshotter },
		{ &record->source, whole->source },
		{ &record->server_id, whole->server_id },
		{ &record->old_active, whole->old_active },
		{ &record->old_parent, whole->old_parent },
		{ &record->old_upper, whole->old_upper },
		{ &record->stands_on, record_saves(whole) ? whole->saved : whole->stands_on },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		*all[i].to = all[i].from ? strdup(all[i].from) : NULL;
		if (all[i].from && !*all[i].to)
			return error_memory(err);
	}
	if (labels_copy(&record->kept_labels, &whole->kept_labels, err) < 0)
		return -1;
	return origin_keep(whole->origin.by, whole->origin.host, whole->origin.note, &record->origin, err);
}

static int32_t floor_of(const struct run *run)
{
	return run->result->version > run->record->version_floor ? run->result->version : run->record->version_floor;
}

static char *filling_of(const struct record *whole)
{
	return text_format("%s-live-%lld", whole->container_id, (long long)whole->meantime_ns);
}

/* The same whenever it is called for this operation. */
static int part_begin(struct run *run, struct part *part, struct error *err)
{
	const struct record *whole = run->record;
	struct record *record = &part->record;

	*record = (struct record){
		.kind = OPERATION_VERSION,
		.save = SAVE_ALWAYS,
		.live = true,
		.created_ns = whole->meantime_ns,
		.container_ns = whole->container_ns,
		.max_freeze_ms = whole->max_freeze_ms,
		.state = CTR_TASK_RUNNING,
		.version_floor = floor_of(run),
	};
	part->run = (struct run){
		.session = run->session, .record = record, .result = &part->result, .found = run->found, .whole = run
	};
	if (copy_texts(whole, record, err) < 0 || decide_names(record, err) < 0)
		return -1;
	free(record->new_active);
	record->new_active = strdup(whole->old_active);
	record->filling = filling_of(whole);
	return record->new_active && record->filling ? 0 : error_memory(err);
}

/* --- taking it -------------------------------------------------------------------------------------------------- */

int meantime_drop_half(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_part struct part part = { 0 };

	if (!record->meantime_id || record->meantime_whole)
		return 0;
	if (part_begin(run, &part, err) < 0 ||
	    ctr_snapshot_remove(run->session->ctr, record->snapshotter, part.record.filling, err) < 0)
		return -1;
	return ctr_snapshot_remove(run->session->ctr, record->snapshotter, part.record.saved, err);
}

static int choose_name(struct run *run, struct error *err)
{
	struct record *record = run->record;

	if (meantime_drop_half(run, err) < 0)
		return -1;
	free(record->meantime_id);
	record->meantime_id = malloc(ID_SIZE);
	if (!record->meantime_id)
		return error_memory(err);
	id_random(record->meantime_id);
	record->meantime_ns = clock_unix_ns();
	record->meantime_whole = false;
	return journal_save(run->session, record, err);
}

/* A layer on the newest live version if there is one, else on what lies below the writable one. */
static int plan_layer(struct part *part, uint32_t pid, struct error *err)
{
	struct record *record = &part->record;
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	cleanup_location struct location location = { 0 };
	struct session *session = part->run.session;

	record->old_pid = (int)pid;
	if (location_find(session, record->snapshotter, record->old_active, &location, err) < 0 ||
	    ctr_snapshot_stat(session->ctr, record->snapshotter, record->old_active, &active, err) < 0)
		return -1;
	if (plan_live_layer(session, &active, &location, record, err) < 0)
		return -1;
	/* Merging may wait. */
	if (record->live_merged) {
		free(steal_pointer(record->live_merged));
		free(steal_pointer(record->live_tip));
	}
	return 0;
}

/* In the freeze, when it is taken, and before any more is changed: from now on it is whole, whoever comes after us. */
static int note_whole(void *context, struct error *err)
{
	struct restoring *restoring = context;
	struct run *run = restoring->run;

	if (restoring_keep_layer(restoring, err) < 0)
		return -1;
	if (restoring_stamp(restoring, &run->record->meantime_stamp, err) < 0)
		return -1;
	run->record->meantime_whole = true;
	return journal_save(run->session, run->record, err);
}

static int take(struct run *run, struct error *err)
{
	cleanup_part struct part part = { 0 };

	if (choose_name(run, err) < 0 || part_begin(run, &part, err) < 0 ||
	    plan_layer(&part, run->restoring->pid, err) < 0)
		return -1;
	restoring_set_again(run->restoring, note_whole);
	part.run.restoring = steal_pointer(run->restoring);
	return step_copy_live(&part.run, err);
}

/* Of one that does not run: its writable layer, as it is. */
static int take_layer(struct run *run, struct error *err)
{
	cleanup_part struct part part = { 0 };
	cleanup_location struct location location = { 0 };
	cleanup_labels struct labels labels = { 0 };
	const struct record *record = &part.record;
	const char *content;

	if (choose_name(run, err) < 0 || part_begin(run, &part, err) < 0 ||
	    location_find(run->session, record->snapshotter, record->old_active, &location, err) < 0)
		return -1;
	if (!location.stacks || !location.writable)
		return error_set(err, ERROR_REFUSED, "its snapshotter has no layers that can be read");
	content = location_content(&location, err);
	if (!content || snapshot_labels_saved(record, &labels, err) < 0 ||
	    new_layer_begin(&part.run, record->saved, record->old_parent ? record->old_parent : "", err) < 0 ||
	    new_layer_fill(&part.run, record->saved, &content, 1, &labels, err) < 0)
		return -1;
	run->record->meantime_whole = true;
	return journal_save(run->session, run->record, err);
}

/* It is not taken away unless that is asked for. */
static int take_or_say(struct run *run, struct error *err)
{
	const char *id = run->record->container_id;

	/* One that runs is changed by then. */
	if ((run->restoring->pid ? take(run, err) : take_layer(run, err)) == 0)
		return run->restoring ? restoring_finish(run, err) : 0;
	if (err->kind == ERROR_INCOMPLETE)
		return -1;
	if (run->session->settings->force) {
		log_warning("what '%s' has become meanwhile is not saved: %s", id, err->message);
		error_clear(err);
		return restoring_open(run, err) <= 0 ? -1 : restoring_finish(run, err);
	}
	error_wrap(err, "somebody has let it run meanwhile, and what it is now could not be saved");
	return error_hint(err, "'wsnap recover %s' tries again; --force finishes it without saving that", id);
}

/* --- whether it is to be taken -------------------------------------------------------------------------------------- */

/* Of one that does not run. */
static int was_touched(struct restoring *restoring, struct error *err)
{
	const struct record *record = restoring->run->record;
	struct timespec written;
	/* Nobody was at work while the list was made, and nothing was saved since. */
	bool noted = restoring_was_stopped(restoring) && !record->meantime_whole;

	if (worklist_time(&restoring->worklist, &written, err) < 0)
		return -1;
	/* What was there by then is taken already; somebody may have let it run once more since. */
	if (record->meantime_whole)
		written = (struct timespec){ .tv_sec = record->meantime_ns / 1000000000,
					     .tv_nsec = record->meantime_ns % 1000000000 };
	return replace_was_touched(&restoring->replace, &written, restoring->worklist.same_boot && !noted, err);
}

/* Somebody may have let it run, and have paused it again. */
static int has_run_between(struct run *run, struct error *err)
{
	const struct restoring *restoring = run->restoring;
	const char *then = run->record->meantime_whole ? run->record->meantime_stamp : restoring->worklist.stamp;
	cleanup_free char *now = NULL;

	if (restoring_stamp(restoring, &now, err) < 0)
		return -1;
	return !*now || !then || strcmp(now, then) != 0;
}

/* Whether it may have run since the change was begun, to the harm of what is there: 1, 0, -1. */
static int has_run(struct run *run, struct error *err)
{
	uint32_t pid = run->restoring->pid;
	int still;

	if (!pid)
		return was_touched(run->restoring, err);
	still = standstill_of(run, pid, err);
	return still > 0 ? has_run_between(run, err) : still < 0 ? -1 : 1;
}

/* What was taken by a run before us, and has been thawed since by somebody, is another version. */
static int end_earlier(struct run *run, struct error *err)
{
	int32_t version;

	if (!run->record->meantime_whole)
		return 0;
	return meantime_keep(run, err) < 0 ? -1 : meantime_tell(run, &version, err);
}

/* Nothing of it is mounted or open any more when the workspace is started again. */
static int finish_once(struct run *run, struct error *err)
{
	int begun = restoring_open(run, err), unsaved = 0;

	if (begun > 0)
		unsaved = has_run(run, err);
	if (begun > 0 && unsaved >= 0)
		begun = !unsaved ? restoring_finish(run, err) : end_earlier(run, err) < 0 ? -1 : take_or_say(run, err);
	restoring_end(run);
	return begun >= 0 && unsaved >= 0 ? 0 : -1;
}

/* --- a task that does not see what is changed beneath it ------------------------------------------------------------- */

/* Two mounts see the same where the layers are not an overlay's. 1, 0, -1. */
static int is_overlay(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };

	if (location_find(run->session, record->snapshotter, record->old_active, &location, err) < 0)
		return -1;
	return location.stacks;
}

/* A full or broken disk is so whoever runs, and memory is wanting. */
static bool is_of_the_disk(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EIO || number == EROFS || number == ENOMEM;
}

/* Whether the change could not be made to the end because it runs in a task that was started in the middle. */
static bool is_in_the_way(struct run *run, const struct error *why)
{
	const struct record *record = run->record;
	struct error ignored = { 0 };
	uint32_t pid;

	if (why->kind != ERROR_INCOMPLETE || is_of_the_disk(why->number))
		return false;
	if (restoring_find_pid(run, &pid, &ignored) < 0 || !pid || is_overlay(run, &ignored) <= 0)
		return false;
	return (int)pid != record->old_pid || record->stage == STAGE_DOWN || why->number == ESTALE;
}

/* What it has written is in the layer, and what of that is in the way becomes a version. */
static int finish_without_task(struct run *run, struct error *err)
{
	const char *id = run->record->container_id;

	log_warning(
		"'%s' was started by somebody while its files were changed: that task is ended, and started again when they are",
		id);
	if (restart_end(run, err) < 0) {
		err->kind = ERROR_INCOMPLETE;
		error_wrap(err, "the task of '%s', which does not see all of its files, could not be ended", id);
		return error_hint(err, "end the task of '%s', then 'wsnap recover %s' does the rest", id, id);
	}
	return finish_once(run, err) < 0 ? state_words_half_changed(run, err) : restart_begin(run, err);
}

int meantime_finish(struct run *run, struct error *err)
{
	if (finish_once(run, err) == 0)
		return 0;
	if (!is_in_the_way(run, err))
		return state_words_half_changed(run, err);
	log_detail("%s", err->message);
	error_clear(err);
	return finish_without_task(run, err);
}

/* Where two mounts see the same its task may run on. */
static int end_start(struct run *run, struct error *err)
{
	int overlay = is_overlay(run, err);

	if (overlay > 0)
		return finish_without_task(run, err);
	return overlay < 0 || finish_once(run, err) < 0 ? state_words_half_changed(run, err) : 0;
}

int meantime_end_start(struct run *run, struct error *err)
{
	const char *id = run->record->container_id;

	if (end_start(run, err) < 0)
		return -1;
	if (meantime_record(run, err) < 0) {
		err->kind = ERROR_INCOMPLETE;
		return err->hint[0] ? -1 : error_hint(err, "'wsnap recover %s' does the rest", id);
	}
	if (run->meantime_version)
		log_warning("version %d of '%s' holds what it had become meanwhile", run->meantime_version, id);
	return 0;
}

/* --- afterwards ----------------------------------------------------------------------------------------------------- */

int meantime_keep(struct run *run, struct error *err)
{
	const struct record *whole = run->record;
	cleanup_part struct part part = { 0 };
	int found;

	if (!whole->meantime_whole)
		return 0;
	if (part_begin(run, &part, err) < 0)
		return -1;
	found = run_has_saved(&part.run, NULL, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	found = ctr_snapshot_stat(run->session->ctr, whole->snapshotter, part.record.filling, NULL, err);
	if (found > 0)
		return step_keep(&part.run, err);
	if (found == 0)
		log_warning("what '%s' had become is lost: containerd has its snapshot no more", whole->container_id);
	return found;
}

/* A container that was removed meanwhile has taken its active snapshot along. */
static int label(struct run *run, const struct part *part, int32_t version, struct error *err)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", version);
	if (rows_label_saved(run->session, &part->record, version, err) < 0)
		return -1;
	if (run_is_orphaned(run) ||
	    ctr_snapshot_set_label(run->session->ctr, part->record.snapshotter, part->record.old_active,
				   LABEL_LAST_VERSION, number, err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

int meantime_tell(struct run *run, int32_t *version, struct error *err)
{
	cleanup_part struct part part = { 0 };
	int saved;

	*version = 0;
	if (!run->record->meantime_whole)
		return 0;
	saved = part_begin(run, &part, err) < 0 ? -1 : run_has_saved(&part.run, NULL, err);
	if (saved <= 0)
		return saved;
	if (step_record(&part.run, err) < 0)
		return -1;
	if (part.run.refusal.kind != ERROR_NONE)
		run->refusal = part.run.refusal;
	*version = part.result.version;
	return *version ? label(run, &part, *version, err) : 0;
}

int meantime_record(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (meantime_keep(run, err) < 0 || meantime_drop_half(run, err) < 0)
		return -1;
	if (!record->meantime_whole ||
	    ((record->refusal || step_record(run, err) == 0) && meantime_tell(run, &run->meantime_version, err) == 0))
		return 0;
	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "'%s' is restored, but what it had become before is not recorded yet", record->container_id);
	return error_hint(err, "'wsnap recover %s' does the rest", record->container_id);
}
