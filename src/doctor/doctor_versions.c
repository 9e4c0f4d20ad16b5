/* Rows beside their snapshots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "doctor/doctor_checks.h"
#include "workspace/label_keys.h"

/* What the row says goes on a snapshot that another tool made as well: when the workspace goes, that alone tells whose it
 * was. */
static int describe(const struct target *target, const struct store_version *row, struct labels *labels,
		    struct error *err)
{
	char number[16], created[CLOCK_TEXT_SIZE];

	snprintf(number, sizeof(number), "%d", row->version);
	clock_format(row->created_ns, created);
	if (labels_set(labels, LABEL_KIND, KIND_VERSION, err) < 0 ||
	    labels_set(labels, LABEL_CONTAINER, target->container_id, err) < 0 ||
	    labels_set(labels, LABEL_VERSION, number, err) < 0 ||
	    labels_set(labels, LABEL_SOURCE, row->source, err) < 0 ||
	    labels_set(labels, LABEL_CREATED, created, err) < 0)
		return -1;
	if (row->display_name && labels_set(labels, LABEL_NAME, row->display_name, err) < 0)
		return -1;
	if (row->parent && labels_set(labels, LABEL_PARENT, row->parent, err) < 0)
		return -1;
	return target->bot_id[0] ? labels_set(labels, LABEL_BOT_ID, target->bot_id, err) : 0;
}

static int check_owner(struct doctor *doctor, const struct target *target, const struct store_version *row,
		       struct error *err)
{
	cleanup_free char *other = NULL;
	int found = store_snapshot_other(doctor->session->store, target->container_id, row->runtime_name, &other, err);

	if (found > 0)
		return error_set(err, ERROR_REFUSED, "it is in the database as that of '%s' as well", other);
	return found;
}

/* The row has come back from a backup: the mark that is left must not make the next run give the version up. */
static int protect(struct doctor *doctor, const struct target *target, const struct inventory_version *version,
		   struct error *err)
{
	const struct inventory_snapshot *snapshot = version->snapshot;
	const struct labels *has = &snapshot->info.labels;
	cleanup_labels struct labels labels = { 0 };
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_unix_ns(), now);
	if ((labels_get(has, LABEL_GIVEN_UP) && labels_set(&labels, LABEL_GIVEN_UP, "", err) < 0) ||
	    (!labels_get(has, LABEL_GC_ROOT) &&
	     (labels_set(&labels, LABEL_GC_ROOT, now, err) < 0 || labels_set(&labels, LABEL_KEPT, now, err) < 0)))
		return -1;
	if (!labels_get(has, LABEL_CONTAINER) &&
	    (check_owner(doctor, target, &version->row, err) < 0 || describe(target, &version->row, &labels, err) < 0))
		return -1;
	return ctr_snapshot_set_labels(doctor->session->ctr, snapshot->snapshotter, snapshot->info.name, &labels, err);
}

static int check_present(struct doctor *doctor, const struct target *target, const struct inventory_version *version,
			 struct error *err)
{
	const struct labels *labels = &version->snapshot->info.labels;
	bool kept = labels_get(labels, LABEL_GC_ROOT);
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = kept ? DOCTOR_VERSION_UNLABELLED : DOCTOR_VERSION_UNPROTECTED,
					  .container_id = target->container_id,
					  .subject = version->row.runtime_name,
					  .failure = &failure };

	if (kept && labels_get(labels, LABEL_CONTAINER))
		return 0;
	if (doctor->fix && protect(doctor, target, version, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	if (kept)
		return doctor_tell(doctor, &subject, err, "'%s' version %d: its snapshot '%s' does not say whose it is",
				   target->container_id, version->row.version, version->row.runtime_name);
	return doctor_tell(doctor, &subject, err,
			   "'%s' version %d: nothing keeps its snapshot '%s' from containerd's collection",
			   target->container_id, version->row.version, version->row.runtime_name);
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

/* Row and label name different workspaces: the snapshot is left to the one that the label names. */
static int check_anothers(struct doctor *doctor, const char *container_id, const struct inventory_version *version,
			  struct error *err)
{
	const struct doctor_subject subject = { .kind = DOCTOR_SNAPSHOT_MISSING,
						.container_id = container_id,
						.subject = version->row.runtime_name };

	return doctor_tell(doctor, &subject, err,
			   "'%s' version %d: its row names the snapshot '%s', which is that of '%s'; 'wsnap delete %s "
			   "%d' takes the row away and leaves the snapshot",
			   container_id, version->row.version, version->row.runtime_name, version->owner, container_id,
			   version->row.version);
}

/* Whether it still exists in another snapshotter, or in another server's archive, cannot be told here. */
static int check_version(struct doctor *doctor, const struct target *target, const struct inventory_version *version,
			 struct error *err)
{
	if (version->snapshot)
		return check_present(doctor, target, version, err);
	if (version->elsewhere)
		return 0;
	if (version->owner)
		return check_anothers(doctor, target->container_id, version, err);
	return check_missing(doctor, target->container_id, version, target->present, err);
}

int doctor_check_versions(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			  struct error *err)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (check_version(doctor, target, &inventory->versions[i], err) < 0)
			return -1;
	return doctor_check_unrecorded(doctor, target, inventory, err);
}
