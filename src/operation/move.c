#include "operation/move.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "operation/let_go.h"
#include "operation/new_layer.h"
#include "operation/orphan.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/moved_layer.h"
#include "workspace/location.h"
#include "workspace/snapshot_labels.h"

enum where { AT_HOME, AT_RECEIVER };

bool move_is_planned(const struct record *record)
{
	return record->moved_to != NULL;
}

char *move_receiver(const struct record *record, struct error *err)
{
	const char *active = record->turned_from ? record->turned_from : record->new_active;
	char *key = record->kind == OPERATION_COMPACT ? strdup(active) : new_layer_work(record->saved);

	if (!key)
		error_memory(err);
	return key;
}

/* Compared by inode alone: device numbers may change with a reboot, and both paths lie on one filesystem. */
static bool lies_at(const struct record *record, const char *path)
{
	struct layer_identity identity;

	return layer_identify(path, &identity) == 0 && identity.inode == (uint64_t)record->moved_inode;
}

bool move_is_done(const struct record *record)
{
	return move_is_planned(record) && lies_at(record, record->moved_to);
}

/* Where the layer lies (enum where); -1 when that is not certain: then nothing may be touched. */
static int find(const struct record *record, struct error *err)
{
	if (lies_at(record, record->old_upper))
		return AT_HOME;
	if (lies_at(record, record->moved_to))
		return AT_RECEIVER;
	return error_set(err, ERROR_FAILED, "the writable layer of '%s' is neither at '%s' nor at '%s'",
			 record->container_id, record->old_upper, record->moved_to);
}

static int note_paths(struct record *record, const char *path, struct error *err)
{
	struct layer_identity home, receiver;

	if (layer_identify(record->old_upper, &home) < 0 || layer_identify(path, &receiver) < 0)
		return error_set(err, ERROR_FAILED, "the folder '%s' or '%s' is not there", record->old_upper, path);
	if (home.device != receiver.device)
		return error_set(err, ERROR_FAILED, "'%s' and '%s' lie on different filesystems", record->old_upper,
				 path);
	free(record->moved_to);
	record->moved_to = strdup(path);
	record->moved_inode = (int64_t)home.inode;
	return record->moved_to ? 0 : error_memory(err);
}

static int make_labels(const struct record *record, struct labels *labels, struct error *err)
{
	struct layer_identity home;

	if (!record->old_upper || layer_identify(record->old_upper, &home) < 0)
		return error_set(err, ERROR_REFUSED, "this snapshotter has no folders that could be moved");
	if (snapshot_labels_active(record, labels, err) < 0)
		return -1;
	return moved_layer_mark_receiver((int64_t)home.inode, labels, err);
}

int move_begin(struct run *run, const char *parent, struct error *err)
{
	struct record *record = run->record;
	struct ctr *ctr = run->session->ctr;
	cleanup_free char *key = move_receiver(record, err);
	cleanup_labels struct labels labels = { 0 };
	cleanup_location struct location location = { 0 };

	/* The snapshot whose folder holds the layer must never be removed. */
	if (!key || move_back(run, err) < 0 || let_go(run, key, err) < 0 ||
	    moved_layer_mark_home(run->session, record->snapshotter, record->old_active, key, err) < 0 ||
	    make_labels(record, &labels, err) < 0 ||
	    ctr_snapshot_prepare(ctr, record->snapshotter, key, parent, &labels, NULL, err) < 0 ||
	    location_find(run->session, record->snapshotter, key, &location, err) < 0)
		return -1;
	if (!location.writable)
		return error_set(err, ERROR_REFUSED, "this snapshotter has no folders that could be moved");
	if (note_paths(record, location.writable, err) < 0)
		return -1;
	return journal_save(run->session, record, err);
}

/* The receiver gets containerd.io/gc.root, so that the layer in it survives an expired lease or a lost record. A
 * receiver that is committed has that label already. */
static int keep_receiver(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *key = move_receiver(record, err);
	char created[CLOCK_TEXT_SIZE];
	int saved;

	if (!key)
		return -1;
	clock_format(record->created_ns, created);
	if (ctr_snapshot_set_label(run->session->ctr, record->snapshotter, key, LABEL_GC_ROOT, created, err) == 0)
		return 0;
	/* What is committed is kept already. */
	if (!record_saves(record) || !error_forgive(err, ERROR_NOT_FOUND))
		return -1;
	saved = run_has_saved(run, NULL, err);
	if (saved != 0)
		return saved < 0 ? -1 : 0;
	return error_set(err, ERROR_FAILED, "the snapshot '%s', which the writable layer of '%s' is moved to, is gone",
			 key, record->container_id);
}

int move_there(struct run *run, struct error *err)
{
	int where = find(run->record, err);

	if (where == AT_HOME)
		return keep_receiver(run, err) < 0 ? -1
						   : layer_move(run->record->old_upper, run->record->moved_to, err);
	return where < 0 ? -1 : 0;
}

void move_leave_home(struct run *run)
{
	const struct record *record = run->record;
	struct error ignored = { 0 };

	/* Somebody may have put another container there since: its layer can still go back then. */
	if (orphan_check(run, &ignored) < 0 ||
	    ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->old_active, &ignored) < 0)
		log_detail("%s", ignored.message);
}

int move_has_home(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };
	int found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->old_active, NULL, err);

	if (found <= 0)
		return found;
	if (location_find(run->session, record->snapshotter, record->old_active, &location, err) < 0)
		return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
	/* Another one may bear the name by now. */
	return location.writable && record->old_upper && strcmp(location.writable, record->old_upper) == 0;
}

/* Where containerd has no snapshot any more, its next cleaning up would take the folder. */
static int check_home(struct run *run, struct error *err)
{
	int home = move_has_home(run, err);

	if (home != 0)
		return home < 0 ? -1 : 0;
	return error_set(err, ERROR_FAILED, "the snapshot '%s', where the writable layer of '%s' was, is gone",
			 run->record->old_active, run->record->container_id);
}

int move_back(struct run *run, struct error *err)
{
	int where = move_is_planned(run->record) ? find(run->record, err) : AT_HOME;

	if (where == AT_RECEIVER)
		return check_home(run, err) < 0 ? -1 : layer_move(run->record->moved_to, run->record->old_upper, err);
	return where < 0 ? -1 : 0;
}

int move_back_if_possible(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int home;

	if (!move_is_done(record))
		return 0;
	home = move_has_home(run, err);
	if (home <= 0)
		return home;
	return layer_move(record->moved_to, record->old_upper, err);
}

int move_try(struct run *run, struct error *err)
{
	if (move_there(run, err) < 0 || move_back(run, err) < 0)
		return -1;
	return layer_make_folder(run->record->moved_to, err);
}

static bool becomes_active(const struct record *record)
{
	return record->kind == OPERATION_COMPACT && !record->turned_back;
}

int move_end(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (!move_is_planned(record) || !becomes_active(record) ||
	    ctr_snapshot_set_label(run->session->ctr, record->snapshotter, record->new_active, LABEL_GC_ROOT, "",
				   err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

int move_drop_hollow(struct run *run, bool *dropped, struct error *err)
{
	const struct record *record = run->record;
	int hollow, stood_on = 0;

	*dropped = false;
	if (!move_is_planned(record) || move_is_done(record))
		return 0;
	if (lies_at(record, record->old_upper)) {
		int home = move_has_home(run, err);

		stood_on = home > 0 ? let_go_is_stood_on(run, record->old_active, err) : home;
		if (stood_on <= 0)
			return stood_on;
	}
	hollow = let_go_is_empty(record->moved_to, err);
	if (hollow <= 0)
		return hollow;
	*dropped = true;
	return ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->saved, err);
}

/* Whoever stands on it keeps it from now on. */
static int leave_receiver(struct run *run, const char *key, const struct error *why, struct error *err)
{
	const struct record *record = run->record;
	int stood_on = let_go_is_stood_on(run, key, err);

	if (stood_on > 0)
		return ctr_snapshot_set_label(run->session->ctr, record->snapshotter, key, LABEL_GC_ROOT, "", err);
	if (stood_on < 0 || keep_receiver(run, err) < 0)
		return -1;
	log_warning("'%s': %s: it is kept; 'ctr snapshots ls' shows it", record->container_id, why->message);
	return 0;
}

int move_tidy(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	struct error why = { 0 };
	cleanup_free char *key = NULL;

	if (!move_is_planned(record) || becomes_active(record))
		return 0;
	key = move_receiver(record, err);
	if (!key)
		return -1;
	if (let_go(run, key, &why) == 0)
		return 0;
	if (why.kind == ERROR_REFUSED)
		return leave_receiver(run, key, &why, err);
	*err = why;
	return -1;
}
