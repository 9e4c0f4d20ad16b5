/* Whether a workspace's writable layer holds any change over what lies below it. */
#ifndef WSNAP_OPERATION_CHANGES_H
#define WSNAP_OPERATION_CHANGES_H

#include "workspace/session.h"

/* 1: none, 0: some, or the snapshotter does not let us see it, -1: error. Walks the layer until the
 * first change. On a running workspace it is a glance, after the stop it is certain. */
int changes_none(struct session *session, const char *snapshotter, const char *active, struct error *err);

#endif
