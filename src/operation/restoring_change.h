/* The change itself: how it is worked out, made ready, sealed and made; by this process or, when it is gone, by its guard. */
#ifndef WSNAP_OPERATION_RESTORING_CHANGE_H
#define WSNAP_OPERATION_RESTORING_CHANGE_H

#include "operation/restoring_state.h"

/* *pid 0: the workspace does not run. */
int restoring_find_pid(struct run *run, uint32_t *pid, struct error *err);

/* An empty list, of what is open. */
int restoring_begin_list(struct restoring *restoring, struct error *err);

/* What is mounted in the workspace now, wherever in it: that is not touched. */
int restoring_add_mounts(struct restoring *restoring, struct error *err);

/* Fills in restoring->change. */
void restoring_set_change(struct restoring *restoring);

#endif
