/* Rows beside their snapshots. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "doctor/doctor_checks.h"
#include "workspace/label_keys.h"

static int set_label(struct doctor *doctor, const struct inventory_snapshot *snapshot, const char *key,
		     const char *value, struct error *err)
{
	return ctr_snapshot_set_label(doctor->session->ctr, snapshot->snapshotter, snapshot->info.name, key, value,
				      err);
}

/* A mark that outlived its row's return from a backup must not be taken for an order to finish. */
static int protect(struct doctor *doctor, const struct inventory_snapshot *snapshot, struct error *err)
{
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_unix_ns(), now);
	if (labels_get(&snapshot->info.labels, LABEL_GIVEN_UP) &&
	    set_label(doctor, snapshot, LABEL_GIVEN_UP, "", err) < 0)
		return -1;
	return set_label(doctor, snapshot, LABEL_GC_ROOT, now, err);
}

static int check_present(struct doctor *doctor, const char *container_id, const struct inventory_version *version,
			 struct error *err)
{
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_VERSION_UNPROTECTED,
					  .container_id = container_id,
					  .subject = version->row.runtime_name,
					  .failure = &failure };

	if (labels_get(&version->snapshot->info.labels, LABEL_GC_ROOT))
		return 0;
	if (doctor->fix && protect(doctor, version->snapshot, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err,
			   "'%s' version %d: nothing keeps its snapshot '%s' from containerd's collection",
			   container_id, version->row.version, version->row.runtime_name);
}

static int check_missing(struct doctor *doctor, const char *container_id, const struct inventory_version *version,
			 bool present, struct error *err)
{
	const struct doctor_subject subject = { .kind = DOCTOR_SNAPSHOT_MISSING,
						.container_id = container_id,
						.subject = version->row.runtime_name };

	return doctor_tell(doctor, &subject, err,
			   "'%s' version %d: its snapshot '%s' is gone; %s'wsnap delete %s %d' takes its row away",
			   container_id, version->row.version, version->row.runtime_name,
			   present ? "" : "where no other host has it, ", container_id, version->row.version);
}

int doctor_check_versions(struct doctor *doctor, const struct target *target, struct error *err)
{
	cleanup_inventory struct inventory inventory = { 0 };
	const char *id = target->container_id;

	if (inventory_read(doctor->session, target, &inventory, err) < 0)
		return -1;
	for (size_t i = 0; i < inventory.version_count; i++) {
		const struct inventory_version *version = &inventory.versions[i];
		int told = version->snapshot ? check_present(doctor, id, version, err)
					     : check_missing(doctor, id, version, target->present, err);

		if (told < 0)
			return -1;
	}
	return doctor_check_unrecorded(doctor, target, &inventory, err);
}
