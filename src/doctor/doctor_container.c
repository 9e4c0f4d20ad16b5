/* A container whose active snapshot, or the folder of that, is gone: it cannot start, but what is newest of its state can be stood on. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/tasks.h"
#include "doctor/doctor_checks.h"
#include "doctor/doctor_newest.h"
#include "operation/let_go.h"
#include "workspace/chain.h"
#include "workspace/fresh_layer.h"
#include "workspace/label_keys.h"
#include "workspace/moved_layer.h"
#include "workspace/location.h"
#include "workspace/snapshot_labels.h"
#include "workspace/snapshotters.h"

/* Should this run die, containerd drops its lease after this. */
#define LEASE_NS ((int64_t)600 * 1000000000)

/* A number that a version has had is never given again. */
static int32_t greatest_version(const struct inventory *inventory)
{
	int32_t greatest = inventory_greatest_label(inventory);

	for (size_t i = 0; i < inventory->version_count; i++)
		if (inventory->versions[i].row.version > greatest)
			greatest = inventory->versions[i].row.version;
	return greatest;
}

/* The labels of the new active snapshot are those of a rollback to the state's version, or of a compaction. */
static int plan(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		const struct inventory_snapshot *state, struct record *record, struct error *err)
{
	const char *origin = doctor_origin_of(inventory, state);
	cleanup_chain struct chain chain = { 0 };
	char operation_id[ID_SIZE];

	id_random(operation_id);
	record->kind = OPERATION_COMPACT;
	record->created_ns = clock_unix_ns();
	record->operation_id = strdup(operation_id);
	record->container_id = strdup(target->container_id);
	record->stands_on = origin ? strdup(origin) : NULL;
	record->version_floor = greatest_version(inventory);
	record->new_active = text_format("%s-rollback-%lld", target->container_id, (long long)record->created_ns);
	if (!record->operation_id || !record->container_id || (origin && !record->stands_on) || !record->new_active)
		return error_memory(err);
	if (chain_read(doctor->session, state->snapshotter, state->info.name, &chain, err) < 0)
		return -1;
	if (chain.snapshots.count >= CHAIN_KERNEL_LIMIT)
		return error_set(err, ERROR_REFUSED, "'%s' stands on %zu layers, of which overlayfs takes less than %d",
				 state->info.name, chain.snapshots.count, CHAIN_KERNEL_LIMIT);
	record->depth = (int)chain.above_image + 1;
	return snapshot_labels_remembered(&state->info, &record->kept_labels, err);
}

static int repoint(struct doctor *doctor, const struct record *record, const struct inventory_snapshot *state,
		   struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	struct ctr *ctr = doctor->session->ctr;

	if (snapshot_labels_active(record, &labels, err) < 0 ||
	    fresh_layer_prepare(doctor->session, state->snapshotter, record->new_active, state->info.name, &labels,
				err) < 0)
		return -1;
	return ctr_container_repoint(ctr, record->container_id, record->new_active, NULL, NULL, err);
}

static int check_is_down(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(doctor->session->ctr, container_id, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_NONE || task.state == CTR_TASK_STOPPED)
		return 0;
	return error_set(err, ERROR_REFUSED, "'%s' still runs", container_id);
}

/* A writable snapshot is taken as it is. The container keeps it from now on, so gc.root is removed. */
static int stand_on_active(struct ctr *ctr, const struct target *target, const struct inventory_snapshot *state,
			   struct error *err)
{
	if (ctr_container_repoint(ctr, target->container_id, state->info.name, NULL, NULL, err) < 0)
		return -1;
	return ctr_snapshot_set_label(ctr, state->snapshotter, state->info.name, LABEL_GC_ROOT, "", err);
}

static int stand_on(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		    const struct inventory_snapshot *state, struct error *err)
{
	cleanup_record struct record record = { 0 };
	cleanup_free char *lease = NULL;
	struct ctr *ctr = doctor->session->ctr;
	struct error ignored = { 0 };
	int done;

	if (check_is_down(doctor, target->container_id, err) < 0)
		return -1;
	if (state->info.kind == CTR_SNAPSHOT_ACTIVE)
		return stand_on_active(ctr, target, state, err);
	if (plan(doctor, target, inventory, state, &record, err) < 0)
		return -1;
	lease = text_format("wsnap-doctor-%s", record.operation_id);
	if (!lease)
		return error_memory(err);
	if (ctr_lease_create(ctr, lease, LEASE_NS, NULL, err) < 0 || ctr_use_lease(ctr, lease, err) < 0)
		return -1;
	done = repoint(doctor, &record, state, err);
	if (ctr_use_lease(ctr, NULL, &ignored) < 0 || ctr_lease_delete(ctr, lease, false, &ignored) < 0)
		return done < 0 ? -1 : error_set(err, ignored.kind, "%s", ignored.message);
	return done;
}

/* The message says if the container goes back to an older state, and how far. */
static char *words_for_version(const struct doctor_state *state, bool fixed)
{
	char created[CLOCK_TEXT_SIZE];

	if (!fixed)
		return state->version > 0 ? text_format("it can be put on version %d", state->version)
					  : text_format("it can be put on the version '%s', which has no row yet",
							state->snapshot->info.name);
	clock_format(state->snapshot->info.created_ns, created);
	return text_format("it stands on a new one of version %d; what was written since %s is not on the disk",
			   state->version, created);
}

static char *words_for(const struct doctor_state *state, bool fixed)
{
	const struct ctr_snapshot *info = &state->snapshot->info;
	const char *kind = labels_get(&info->labels, LABEL_KIND);

	if (state->version > 0 || (kind && strcmp(kind, KIND_VERSION) == 0))
		return words_for_version(state, fixed);
	return text_format("%s its newest state, which no version holds: '%s' (%s)",
			   fixed ? "it stands on" : "it can be put on", info->name, kind ? kind : KIND_ACTIVE);
}

/* What is known of a container whose state is not where it should be. */
struct damage {
	const char *what; /* of the snapshot that it stands on, or that itself, is gone */
	char *moved;      /* the snapshot that its layer was moved to, NULL: none */
	char *folder;     /* what is in the place of that layer now, NULL: nothing */
};

static void damage_release(struct damage *damage)
{
	free(damage->moved);
	free(damage->folder);
}

/* By going elsewhere the container would lose what was written there since. */
static int check_folder(const struct damage *damage, struct error *err)
{
	int empty = damage->folder ? let_go_is_empty(damage->folder, err) : 1;

	if (empty != 0)
		return empty < 0 ? -1 : 0;
	return error_set(err, ERROR_REFUSED, "something lies in '%s', where the layer was", damage->folder);
}

static struct doctor_state find_state(const struct target *target, const struct inventory *inventory,
				      const struct damage *damage)
{
	const struct ctr_container *container = &target->container;
	const struct inventory_snapshot *moved =
		damage->moved ? inventory_find(inventory, container->snapshotter, damage->moved) : NULL;

	if (moved)
		return doctor_state_of(inventory, moved);
	return doctor_find_newest(inventory, container->snapshotter, target->container_id, container->snapshot_key);
}

static int tell_broken(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		       const struct damage *damage, struct error *err)
{
	const char *id = target->container_id, *key = target->container.snapshot_key;
	const struct doctor_state newest = find_state(target, inventory, damage);
	cleanup_free char *words = NULL;
	struct error failure = { 0 };
	struct doctor_subject subject = {
		.kind = DOCTOR_CONTAINER_BROKEN, .container_id = id, .subject = key, .failure = &failure
	};

	if (!newest.snapshot)
		return doctor_tell(doctor, &subject, err, "'%s': %s '%s' is gone, and there is no version to put it on",
				   id, damage->what, key);
	if (doctor->fix && check_folder(damage, &failure) == 0 &&
	    stand_on(doctor, target, inventory, newest.snapshot, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	words = words_for(&newest, subject.fate == DOCTOR_FIXED);
	if (!words)
		return error_memory(err);
	return doctor_tell(doctor, &subject, err, "'%s': %s '%s' is gone; %s", id, damage->what, key, words);
}

/* An operation whose record is lost has taken the restart monitor's label off, and noted it beside. */
static int check_restart(struct doctor *doctor, const struct target *target, struct error *err)
{
	const struct labels *labels = &target->container.labels;
	const char *held = labels_get(labels, LABEL_RESTART_HELD);
	cleanup_labels struct labels as_before = { 0 };
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_RESTART_HELD,
					  .container_id = target->container_id,
					  .subject = target->container_id,
					  .failure = &failure };

	if (!held)
		return 0;
	/* What somebody has set since is what counts. */
	if ((!labels_get(labels, LABEL_RESTART_STATUS) &&
	     labels_set(&as_before, LABEL_RESTART_STATUS, held, err) < 0) ||
	    labels_set(&as_before, LABEL_RESTART_HELD, "", err) < 0)
		return -1;
	if (doctor->fix &&
	    ctr_container_set_labels(doctor->session->ctr, target->container_id, &as_before, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err,
			   "'%s': an operation that was cut off keeps the restart monitor away from it ('%s')",
			   target->container_id, held);
}

/* 1: the layer of the snapshot that it stands on is not there, 0, -1. */
static int look_at_layer(struct doctor *doctor, const struct ctr_container *container,
			 const struct ctr_snapshot *snapshot, struct damage *damage, struct error *err)
{
	cleanup_location struct location location = { 0 };
	bool lost;

	if (snapshot->kind != CTR_SNAPSHOT_ACTIVE)
		return 0;
	if (location_find(doctor->session, container->snapshotter, snapshot->name, &location, err) < 0 ||
	    moved_layer_find(doctor->session, container->snapshotter, snapshot, &damage->moved, err) < 0)
		return -1;
	lost = location_is_lost(&location);
	damage->what = lost ? "the folder of its snapshot" : "the layer of its snapshot";
	damage->folder = lost ? NULL : steal_pointer(location.writable);
	return lost || damage->moved;
}

static int check_snapshot(struct doctor *doctor, const struct target *target, struct error *err)
{
	cleanup_inventory struct inventory inventory = { 0 };
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	__attribute__((cleanup(damage_release))) struct damage damage = { .what = "its snapshot" };
	int found = snapshotters_stat_active(doctor->session, &target->container, &snapshot, err);
	int lost = found > 0 ? look_at_layer(doctor, &target->container, &snapshot, &damage, err) : found == 0;

	if (found < 0 || lost <= 0)
		return found < 0 || lost < 0 ? -1 : 0;
	if (inventory_read(doctor->session, target, &inventory, err) < 0)
		return -1;
	return tell_broken(doctor, target, &inventory, &damage, err);
}

int doctor_check_container(struct doctor *doctor, const struct target *target, struct error *err)
{
	const struct ctr_container *container = &target->container;

	if (!target->present || !*container->snapshotter || !*container->snapshot_key)
		return 0;
	if (check_snapshot(doctor, target, err) < 0)
		return -1;
	/* Last, because from here on the restart monitor may start it. */
	return check_restart(doctor, target, err);
}
