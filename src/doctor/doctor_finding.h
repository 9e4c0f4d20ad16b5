/* What doctor finds, as scripts see it. */
#ifndef WSNAP_DOCTOR_DOCTOR_FINDING_H
#define WSNAP_DOCTOR_DOCTOR_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Kinds of findings, as scripts see them. */
#define DOCTOR_OPERATION_OPEN "operation_open"           /* an operation was cut off */
#define DOCTOR_PRUNE_OPEN "prune_open"                   /* versions are marked to go, and not gone */
#define DOCTOR_SNAPSHOT_MISSING "snapshot_missing"       /* a row whose snapshot is gone */
#define DOCTOR_VERSION_UNRECORDED "version_unrecorded"   /* a version's snapshot without a row */
#define DOCTOR_VERSION_UNPROTECTED "version_unprotected" /* containerd might collect its snapshot */
#define DOCTOR_VERSION_UNLABELLED "version_unlabelled"   /* its snapshot does not say whose it is */
#define DOCTOR_CONTAINER_BROKEN "container_broken"       /* its active snapshot is gone */
#define DOCTOR_RESTART_HELD "restart_held"               /* the restart monitor is kept away for nothing */
#define DOCTOR_LAYER_LEFT "layer_left"       /* what a compaction has saved, or a restore half, is kept for nothing */
#define DOCTOR_RECORD_LOST "record_lost"     /* of an operation that may have left it frozen, or changed */
#define DOCTOR_LEASE_STALE "lease_stale"     /* a lease of ours without an operation */
#define DOCTOR_TASK_BLOCKED "task_blocked"   /* what is left of a task keeps it from starting */
#define DOCTOR_TASK_ASTRAY "task_astray"     /* it runs on another snapshot than its container's */
#define DOCTOR_LOCK_HELD "lock_held"         /* by a run that may have ended, and is not ours to judge */
#define DOCTOR_FILES_LEFT "files_left"       /* what containerd could not remove of a snapshot */
#define DOCTOR_ADDRESS_STALE "address_stale" /* a network attachment without a task */

struct doctor_finding {
	const char *kind;
	const char *container_id; /* NULL: of no workspace */
	const char *subject;      /* what it is about: a snapshot, a lease, an operation, an attachment */
	const char *message;      /* one line */
	bool fixed;
};

typedef int (*doctor_each)(const struct doctor_finding *finding, void *context, struct error *err);

struct doctor_summary {
	size_t found;
	size_t fixed;
};

#endif
