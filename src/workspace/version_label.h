/*
 * Numbers of versions as the labels of snapshots tell them. They outlive a database that was lost or restored from an
 * old backup: a number that was given once is not given again.
 */
#ifndef WSNAP_WORKSPACE_VERSION_LABEL_H
#define WSNAP_WORKSPACE_VERSION_LABEL_H

#include <stdint.h>

#include "workspace/session.h"

/* The number that a label's value is, 1 to 2147483647; 0 if it is none. */
int32_t version_label_parse(const char *value);

/* The greatest number that a snapshot of the workspace bears; 0: none does, -1: error. Lists its snapshots. */
int32_t version_label_greatest(struct session *session, const char *snapshotter, const char *container_id,
			       struct error *err);

#endif
