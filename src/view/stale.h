/* Views that are mounted no more. */
#ifndef WSNAP_VIEW_STALE_H
#define WSNAP_VIEW_STALE_H

#include "workspace/session.h"

/* Removes those of a workspace (NULL: of all in this namespace). What belongs to a workspace that somebody else is at is
 * left to the next run. */
int view_remove_stale(struct session *session, const char *container_id, struct error *err);

/* The same of one workspace whose lock is held. */
int view_remove_stale_locked(struct session *session, const char *container_id, struct error *err);

#endif
