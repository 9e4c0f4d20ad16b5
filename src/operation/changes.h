/*
 * Whether a workspace has changed since the version that it stands on. What it stands on is its lineage, and stays
 * whatever becomes of its layers: a merge may have put what was never saved under the writable layer. So the trees are
 * compared; the writable layer alone tells only where what lies under it is that version.
 */
#ifndef WSNAP_OPERATION_CHANGES_H
#define WSNAP_OPERATION_CHANGES_H

#include "workspace/session.h"

/* Whether the active snapshot shows the tree of the committed snapshot `version`: 1 so it is, 0 not, or nobody can
 * tell, -1 error. Reads until the first difference. On a running workspace it is a glance, after the stop it is
 * certain. */
int changes_none(struct session *session, const char *snapshotter, const char *active, const char *version,
		 struct error *err);

#endif
