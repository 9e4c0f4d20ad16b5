/* A container whose active snapshot containerd lacks: it cannot start, but its versions can be stood on. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/tasks.h"
#include "doctor/doctor_checks.h"
#include "workspace/chain.h"
#include "workspace/snapshot_labels.h"

/* Should this run die, containerd drops its lease after this. */
#define LEASE_NS ((int64_t)600 * 1000000000)

static const struct inventory_version *newest_present(const struct inventory *inventory, const char *snapshotter)
{
	for (size_t i = inventory->version_count; i-- > 0;) {
		const struct inventory_version *version = &inventory->versions[i];

		if (version->snapshot && strcmp(version->row.snapshotter, snapshotter) == 0)
			return version;
	}
	return NULL;
}

/* The labels of the new active snapshot are those of a rollback to the version. */
static int plan(struct doctor *doctor, const struct target *target, const struct store_version *row,
		struct record *record, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };
	char operation_id[ID_SIZE];

	id_random(operation_id);
	record->kind = OPERATION_ROLLBACK;
	record->created_ns = clock_unix_ns();
	record->operation_id = strdup(operation_id);
	record->container_id = strdup(target->container_id);
	record->rollback_name = strdup(row->runtime_name);
	record->new_active = text_format("%s-rollback-%lld", target->container_id, (long long)record->created_ns);
	if (!record->operation_id || !record->container_id || !record->rollback_name || !record->new_active)
		return error_memory(err);
	if (chain_read(doctor->session, row->snapshotter, row->runtime_name, &chain, err) < 0)
		return -1;
	record->depth = (int)chain.above_image + 1;
	return 0;
}

static int repoint(struct doctor *doctor, const struct record *record, const struct store_version *row,
		   struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	struct ctr *ctr = doctor->session->ctr;

	if (snapshot_labels_active(record, &labels, err) < 0 ||
	    ctr_snapshot_prepare(ctr, row->snapshotter, record->new_active, row->runtime_name, &labels, NULL, err) < 0)
		return -1;
	return ctr_container_repoint(ctr, record->container_id, record->new_active, NULL, NULL, err);
}

static int stand_on(struct doctor *doctor, const struct target *target, const struct store_version *row,
		    struct error *err)
{
	cleanup_record struct record record = { 0 };
	cleanup_ctr_task struct ctr_task task = { 0 };
	cleanup_free char *lease = NULL;
	struct ctr *ctr = doctor->session->ctr;
	struct error ignored = { 0 };
	int done;

	if (ctr_task_get(ctr, target->container_id, &task, err) < 0)
		return -1;
	if (task.state != CTR_TASK_NONE && task.state != CTR_TASK_STOPPED)
		return error_set(err, ERROR_REFUSED, "'%s' still runs", target->container_id);
	if (plan(doctor, target, row, &record, err) < 0)
		return -1;
	lease = text_format("wsnap-doctor-%s", record.operation_id);
	if (!lease)
		return error_memory(err);
	if (ctr_lease_create(ctr, lease, clock_unix_ns() + LEASE_NS, NULL, err) < 0 ||
	    ctr_use_lease(ctr, lease, err) < 0)
		return -1;
	done = repoint(doctor, &record, row, err);
	if (ctr_use_lease(ctr, NULL, &ignored) < 0 || ctr_lease_delete(ctr, lease, false, &ignored) < 0)
		return done < 0 ? -1 : error_set(err, ignored.kind, "%s", ignored.message);
	return done;
}

static int tell_broken(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		       struct error *err)
{
	const struct inventory_version *newest = newest_present(inventory, target->container.snapshotter);
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_CONTAINER_BROKEN,
					  .container_id = target->container_id,
					  .subject = target->container.snapshot_key,
					  .failure = &failure };

	if (!newest)
		return doctor_tell(doctor, &subject, err,
				   "'%s': its snapshot '%s' is gone, and there is no version to put it on",
				   target->container_id, target->container.snapshot_key);
	if (doctor->fix && stand_on(doctor, target, &newest->row, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err, "'%s': its snapshot '%s' is gone; %s version %d",
			   target->container_id, target->container.snapshot_key,
			   subject.fate == DOCTOR_FIXED ? "it stands on a new one of" : "it can be put on",
			   newest->row.version);
}

int doctor_check_container(struct doctor *doctor, const struct target *target, struct error *err)
{
	cleanup_inventory struct inventory inventory = { 0 };
	const struct ctr_container *container = &target->container;
	int found;

	if (!target->present || !container->snapshotter || !*container->snapshotter || !container->snapshot_key ||
	    !*container->snapshot_key)
		return 0;
	found = ctr_snapshot_stat(doctor->session->ctr, container->snapshotter, container->snapshot_key, NULL, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	if (inventory_read(doctor->session, target, &inventory, err) < 0)
		return -1;
	return tell_broken(doctor, target, &inventory, err);
}
