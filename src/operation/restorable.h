/* Whether files of a workspace could be restored while it goes on running. */
#ifndef WSNAP_OPERATION_RESTORABLE_H
#define WSNAP_OPERATION_RESTORABLE_H

#include "workspace/session.h"
#include "workspace/target.h"

/* Looks without touching anything: its layers, its root, its freezer. ERROR_REFUSED with the reason where they could not. Of a
 * workspace that does not run only the layers are looked at. */
int restorable_check(struct session *session, const struct target *target, struct error *err);

#endif
