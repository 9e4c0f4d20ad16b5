/* Every workspace on this host: the rows whose containers containerd has in this namespace. */
#ifndef WSNAP_WORKSPACE_WORKSPACES_H
#define WSNAP_WORKSPACE_WORKSPACES_H

#include "ctr/containers.h"
#include "store/workspaces.h"
#include "workspace/session.h"

struct workspace {
	const struct store_workspace *row;
	const struct ctr_container *container;
	const char *status; /* what containerd says now: "running", "paused", "created", "stopped" */
};

/* Calls `each` for all of them, by container id. It returns -1 (with its err) to stop. */
typedef int (*workspaces_each_one)(const struct workspace *workspace, void *context, struct error *err);
int workspaces_each(struct session *session, workspaces_each_one each, void *context, struct error *err);

#endif
