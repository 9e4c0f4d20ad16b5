/* An operation on a running workspace whose record is lost: what it has saved, and what it has left the workspace as. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctr/tasks.h"
#include "doctor/doctor_checks.h"
#include "operation/standstill.h"
#include "operation/task.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/whole_layer.h"

/* --- what the workspace was before a restore -------------------------------------------------------------------- */

static bool is_copy(const struct inventory_snapshot *snapshot)
{
	const struct labels *labels = &snapshot->info.labels;
	const char *kind = labels_get(labels, LABEL_KIND);

	return kind && strcmp(kind, KIND_FILLING) == 0 && snapshot->info.kind == CTR_SNAPSHOT_ACTIVE &&
	       labels_get(labels, LABEL_GC_ROOT) && labels_get(labels, LABEL_SAVED_AS) &&
	       !labels_get(labels, LABEL_GIVEN_UP);
}

static int version_labels(const struct ctr_snapshot *copy, struct labels *labels, struct error *err)
{
	for (size_t i = 0; i < copy->labels.count; i++) {
		const struct label *label = &copy->labels.items[i];

		if (strcmp(label->key, LABEL_SAVED_AS) != 0 && labels_set(labels, label->key, label->value, err) < 0)
			return -1;
	}
	return labels_set(labels, LABEL_KIND, KIND_VERSION, err);
}

/* Under the name that its operation had decided on: whoever has that record after all finds it done. */
static int make_version(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			const struct inventory_snapshot *copy, const char *folder, int32_t *version, struct error *err)
{
	const char *name = labels_get(&copy->info.labels, LABEL_SAVED_AS);
	struct ctr *ctr = doctor->session->ctr;
	cleanup_labels struct labels labels = { 0 };
	struct inventory_snapshot made = { .snapshotter = copy->snapshotter };
	struct error ignored = { 0 };
	int done;

	if (layer_sync(folder, err) < 0 || version_labels(&copy->info, &labels, err) < 0 ||
	    ctr_snapshot_commit(ctr, copy->snapshotter, name, copy->info.name, &labels, err) < 0)
		return -1;
	whole_layer_unmark(folder, &ignored);
	done = ctr_snapshot_stat(ctr, copy->snapshotter, name, &made.info, err);
	if (done == 0)
		error_set(err, ERROR_FAILED, "the snapshot '%s' is gone", name);
	if (done > 0)
		done = doctor_write_version(doctor, target, inventory, &made, version, err) < 0 ? -1 : 1;
	ctr_snapshot_release(&made.info);
	return done > 0 ? 0 : -1;
}

static int tell_whole(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		      const struct inventory_snapshot *copy, const char *folder, struct error *err)
{
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_VERSION_UNRECORDED,
					  .container_id = target->container_id,
					  .subject = copy->info.name,
					  .failure = &failure };
	int32_t version;

	if (doctor->fix && make_version(doctor, target, inventory, copy, folder, &version, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	if (subject.fate == DOCTOR_FIXED)
		return doctor_tell(doctor, &subject, err,
				   "'%s': what a restore that was cut off has saved as '%s' is version %d now",
				   target->container_id, copy->info.name, version);
	return doctor_tell(doctor, &subject, err,
			   "'%s': a restore that was cut off has saved what the workspace was as '%s', which is no "
			   "version yet",
			   target->container_id, copy->info.name);
}

/* What it was to save is not in it. */
static int tell_half(struct doctor *doctor, const struct target *target, const struct inventory_snapshot *copy,
		     struct error *err)
{
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_LAYER_LEFT,
					  .container_id = target->container_id,
					  .subject = copy->info.name,
					  .failure = &failure };

	if (doctor->fix && ctr_snapshot_remove(doctor->session->ctr, copy->snapshotter, copy->info.name, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err,
			   "'%s': '%s' is the half of a copy, left of a restore that was cut off", target->container_id,
			   copy->info.name);
}

int doctor_check_copies(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			struct error *err)
{
	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *copy = &inventory->snapshots[i];
		cleanup_location struct location location = { 0 };
		int whole;

		if (!is_copy(copy))
			continue;
		if (location_find(doctor->session, copy->snapshotter, copy->info.name, &location, err) < 0)
			return -1;
		/* One that cannot be looked at is nobody's to remove. */
		if (!location.writable)
			continue;
		whole = whole_layer_is_marked(location.writable, err);
		if (whole < 0 || (whole ? tell_whole(doctor, target, inventory, copy, location.writable, err)
					: tell_half(doctor, target, copy, err)) < 0)
			return -1;
	}
	return 0;
}

/* --- what it is now --------------------------------------------------------------------------------------------- */

/* Nobody thaws it but the operator: whether what it is now may run on is his to say. */
static int tell_frozen(struct doctor *doctor, const struct target *target, const char *operation_id, struct error *err)
{
	const char *id = target->container_id;
	const struct doctor_subject subject = { .kind = DOCTOR_RECORD_LOST,
						.container_id = id,
						.subject = operation_id };

	return doctor_tell(
		doctor, &subject, err,
		"'%s' stands still, frozen by an operation that was cut off, of which there is no record here; "
		"if that was a restore, its files may be half changed: 'wsnap rollback %s VERSION' brings a "
		"version back; 0 in the cgroup.freeze of its control group, or THAWED in its freezer.state, lets it run as "
		"it is",
		id, id);
}

static int tell_running(struct doctor *doctor, const struct target *target, const char *operation_id, struct error *err)
{
	const struct ctr_container *container = &target->container;
	const char *id = target->container_id;
	struct error failure = { 0 };
	struct doctor_subject subject = {
		.kind = DOCTOR_RECORD_LOST, .container_id = id, .subject = operation_id, .failure = &failure
	};

	if (doctor->fix && ctr_snapshot_set_label(doctor->session->ctr, container->snapshotter, container->snapshot_key,
						  LABEL_AT_WORK, "", &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err,
			   "'%s' had an operation that was cut off, of which there is no record here; if that was a "
			   "restore, its files may be half changed: see 'wsnap diff %s'",
			   id, id);
}

/* containerd does not know of every freeze. 1, 0, -1. */
static int stands_still(struct doctor *doctor, const char *container_id, struct error *err)
{
	const struct run run = { .session = doctor->session };
	cleanup_ctr_task struct ctr_task task = { 0 };
	int still;

	if (ctr_task_get(doctor->session->ctr, container_id, &task, err) < 0)
		return -1;
	if (!task_has_process(task.state))
		return 0;
	if (task_is_paused(task.state))
		return 1;
	still = standstill_of(&run, task.pid, err);
	return still < 0 && error_forgive(err, ERROR_REFUSED) ? 0 : still;
}

int doctor_check_at_work(struct doctor *doctor, const struct target *target, struct error *err)
{
	const struct ctr_container *container = &target->container;
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	const char *operation_id;
	int found, still;

	if (!target->present || !*container->snapshotter || !*container->snapshot_key)
		return 0;
	found = ctr_snapshot_stat(doctor->session->ctr, container->snapshotter, container->snapshot_key, &active, err);
	if (found < 0)
		return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
	operation_id = found ? labels_get(&active.labels, LABEL_AT_WORK) : NULL;
	if (!operation_id)
		return 0;
	still = stands_still(doctor, container->id, err);
	if (still < 0)
		return -1;
	return still ? tell_frozen(doctor, target, operation_id, err) : tell_running(doctor, target, operation_id, err);
}
