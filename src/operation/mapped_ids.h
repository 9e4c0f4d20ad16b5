/*
 * Snapshots whose layers containerd mounts with other ids than they have on the disk (containerd 2.x, `ctr run
 * --remap-labels`): the image's files lie there as 0, and the workspace, in a user namespace, sees them as its own 0. Its
 * writable layer is mounted as it is, so what it has written lies there with the ids of the host. Once that is a layer
 * below, those ids are mapped a second time and belong to nobody.
 */
#ifndef WSNAP_OPERATION_MAPPED_IDS_H
#define WSNAP_OPERATION_MAPPED_IDS_H

#include "base/settings.h"
#include "workspace/location.h"
#include "workspace/record.h"

/* ERROR_REFUSED where the operation would save such a layer; --force insists, with a warning. */
int mapped_ids_check(const struct settings *settings, const struct location *location, const struct record *record,
		     struct error *err);

#endif
