/* What the snapshots of one operation are kept by while it is under way. */
#ifndef WSNAP_OPERATION_LEASE_H
#define WSNAP_OPERATION_LEASE_H

#include "operation/run.h"

/* Takes it, if that was not done yet; containerd keeps by it what is made from now on. */
int lease_take(struct run *run, struct error *err);

/* Whether somebody has deleted it, or a clock that was set forward has ended it: 1, 0, -1. */
int lease_is_lost(struct run *run, struct error *err);

/* The caller frees. NULL: no memory. */
char *lease_name(const struct run *run);

#endif
