/*
 * Which state directory this is, whatever the path that leads to it: a UUID that is made once and kept in it, with the
 * inode of the file that holds it, so that a copy is another directory.
 */
#ifndef WSNAP_WORKSPACE_STATE_ID_H
#define WSNAP_WORKSPACE_STATE_ID_H

#include "workspace/session.h"

/* "UUID:inode"; the caller frees. The state directory must be open. NULL: error. */
char *state_id(struct session *session, struct error *err);

#endif
