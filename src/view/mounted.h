/* What of a workspace is mounted, and where. */
#ifndef WSNAP_VIEW_MOUNTED_H
#define WSNAP_VIEW_MOUNTED_H

#include "workspace/session.h"

typedef int (*view_each_mounted)(const char *runtime_name, const char *folder, void *context, struct error *err);

/* Calls `each` for every view that is mounted: of the version whose snapshot that is, where. A glance at the table of mounts
 * spares the question to containerd where there is none; what another mount namespace has is not told then.
 * `snapshotter` is the container's, NULL where there is none. */
int view_each(struct session *session, const char *container_id, const char *snapshotter, view_each_mounted each,
	      void *context, struct error *err);

#endif
