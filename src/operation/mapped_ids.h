/*
 * Snapshots whose layers containerd mounts with other ids than they have on the disk (containerd 2.x, `ctr run
 * --remap-labels`): the image's files lie there as 0, and the workspace, in a user namespace, sees them as its own 0. Its
 * writable layer is mounted as it is, so what it has written lies there with the ids of the host. As a layer below it would be
 * mapped a second time and belong to nobody: so a version is a copy of it, with the ids that the image's layers bear
 * (layer/mapped_view.h), and the writable layer itself never becomes one.
 */
#ifndef WSNAP_OPERATION_MAPPED_IDS_H
#define WSNAP_OPERATION_MAPPED_IDS_H

#include "operation/findings.h"
#include "operation/run.h"

/*
 * Before anything is touched: whether such a layer can be saved. ERROR_REFUSED where it cannot be read so, or holds what
 * belongs to nobody inside; --force insists: then the record says what can be done. ERROR_FAILED where a copy has no room.
 */
int mapped_ids_check(const struct plan *plan, const struct findings *findings, struct record *record,
		     struct error *err);

/* Whether the saved state is such a copy. */
bool mapped_ids_copies(const struct record *record);

/* Makes it, of a workspace that does not run, with these labels; on what was merged, if that was done. */
int mapped_ids_save(struct run *run, const struct labels *labels, struct error *err);

#endif
