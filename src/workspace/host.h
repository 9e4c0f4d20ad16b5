/*
 * Which host a workspace is at home on. Several may share the database, each with a containerd of its own: a
 * workspace that is not here and was never worked on here is another host's, and is left alone.
 */
#ifndef WSNAP_WORKSPACE_HOST_H
#define WSNAP_WORKSPACE_HOST_H

#include "base/names_set.h"
#include "store/workspaces.h"
#include "workspace/session.h"

/* Whether containerd has the container, or a run on this host has ever taken its lock: 1, 0, -1. The session's state
 * directory must be open. */
int host_has_worked_on(struct session *session, const char *container_id, struct error *err);

/* Whether anything at all of it is on this host, or was: also a record, or a snapshot that a label says is its. 1, 0, -1. */
int host_has_container(struct session *session, const char *container_id, struct error *err);

/* Whether a row whose container is present here is that container's: the namespace it names is the session's, or has no
 * container of that id: 1, 0, -1. */
int host_has_row(struct session *session, const struct store_workspace *row, struct error *err);

/* Adds the ids of the workspaces that labels of matching snapshots name; the database may have forgotten them. */
int host_add_labelled(struct session *session, const char *filter, struct names_set *ids, struct error *err);

#endif
