/* Whether a workspace's state is where its container says: else it would be stopped, and something else saved. */
#ifndef WSNAP_OPERATION_PLAN_STATE_H
#define WSNAP_OPERATION_PLAN_STATE_H

#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "workspace/location.h"
#include "workspace/session.h"

/* ERROR_FAILED where the layer of the active snapshot is gone, or was moved by an operation whose record is lost. */
int plan_state_check_layer(struct session *session, const struct ctr_container *container,
			   const struct ctr_snapshot *active, const struct location *location, struct error *err);

/* ERROR_REFUSED where the task runs on another snapshot; --force insists. */
int plan_state_check_task(const struct settings *settings, const struct ctr_container *container,
			  const struct location *location, const struct ctr_task *task, struct error *err);

#endif
