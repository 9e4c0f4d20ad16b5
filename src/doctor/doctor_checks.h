/* The checks of doctor: each stands in a file of its own, and doctor.c calls them in turn. */
#ifndef WSNAP_DOCTOR_DOCTOR_CHECKS_H
#define WSNAP_DOCTOR_DOCTOR_CHECKS_H

#include "doctor/doctor_tell.h"
#include "workspace/inventory.h"

/* Each examines one thing. The workspace's lock is held where there is a target. */
int doctor_check_refused(struct doctor *doctor, const char *container_id, struct error *err);
int doctor_check_versions(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			  struct error *err);
int doctor_check_container(struct doctor *doctor, const struct target *target, struct error *err);
int doctor_check_layers(struct doctor *doctor, const struct target *target, struct error *err);

/* Whether there is anything for it to look at. */
bool doctor_has_layers(const struct inventory *inventory);
/* What an operation that froze the workspace has left, where its record is lost. */
int doctor_check_copies(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			struct error *err);
int doctor_check_at_work(struct doctor *doctor, const struct target *target, struct error *err);
int doctor_check_task(struct doctor *doctor, const struct target *target, struct error *err);

/* 1: it is a fork that was cut off, and stays so. */
int doctor_check_fork(struct doctor *doctor, const char *container_id, struct error *err);

/* Takes the locks itself. */
int doctor_check_leases(struct doctor *doctor, const char *container_id, struct error *err);
int doctor_check_locks(struct doctor *doctor, const char *container_id, struct error *err);

/* Whether a run that has ended, of another state directory, has left the workspace's lock: 1, 0, -1. */
int doctor_is_left_by_others(struct doctor *doctor, const char *container_id, struct error *err);

/* The attachments of one workspace, or with NULL of the namespace. `known` are the workspaces that are remembered by
 * anything: their containers may be gone. Takes the locks itself. */
int doctor_check_network(struct doctor *doctor, const char *container_id, const struct names_set *known,
			 struct error *err);

/* What containerd could not remove of snapshots, in the folders of the snapshotters that are in use. */
int doctor_check_remains(struct doctor *doctor, const struct target *target, struct error *err);

/* Writes the rows of versions again whose snapshots have none, from their labels. */
int doctor_check_unrecorded(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			    struct error *err);

/* Writes the rows of a version whose snapshot has its labels; *version is its number. */
int doctor_write_version(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			 const struct inventory_snapshot *snapshot, int32_t *version, struct error *err);

/* Makes a version of a layer that a compaction has saved; *version is its number. */
int doctor_make_version(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			const struct inventory_snapshot *layer, int32_t *version, struct error *err);

#endif
