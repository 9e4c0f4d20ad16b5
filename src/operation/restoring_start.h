/*
 * Whether somebody has started the workspace while its files were changed from a mount that is older: keeping the restart
 * monitor away keeps away nobody else. Two overlays that write into one folder do not see what the other does to what they have
 * looked at: what such a task sees and writes cannot be relied on.
 */
#ifndef WSNAP_OPERATION_RESTORING_START_H
#define WSNAP_OPERATION_RESTORING_START_H

#include "operation/restoring_state.h"

/* *pid 0: the workspace does not run. */
int restoring_find_pid(struct run *run, uint32_t *pid, struct error *err);

/* While it is made, a struct restoring: asks containerd now and then. */
bool restoring_sees_start(void *restoring);

/* When all of it is made: 1, also where the guard cannot tell; 0, -1. */
int restoring_was_started(struct restoring *restoring, struct error *err);

#endif
