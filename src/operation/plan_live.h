/* What is decided for a live version: whether it can be one, and what its layer stands on. */
#ifndef WSNAP_OPERATION_PLAN_LIVE_H
#define WSNAP_OPERATION_PLAN_LIVE_H

#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/result.h"
#include "workspace/location.h"
#include "workspace/record.h"
#include "workspace/session.h"

/* Whether the request is one for a live version. */
bool plan_live_is_asked(const struct session *session, const struct operation_request *request);

/* Whether a workspace with such a task has processes that would go on; without, it is saved as with a stop. */
bool plan_live_has_processes(enum ctr_task_state state);

/*
 * `compact` without a stop: the record is that of a merge of the layers of live versions. 0; 1: there is nothing to merge.
 */
int plan_live_compact(struct session *session, const struct ctr_snapshot *active, const struct location *location,
		      struct record *record, struct error *err);

/*
 * Makes the planned record that of a live version. A workspace that does not run is left to be saved as with a stop.
 * ERROR_REFUSED where it cannot be live.
 */
int plan_live(struct session *session, const struct operation_request *request, const struct ctr_snapshot *active,
	      const struct location *location, struct record *record, struct error *err);

/* Whether the root of the first process (record->old_pid) is the overlay whose layers containerd names. ERROR_REFUSED. */
int plan_live_check(const struct location *location, const struct record *record, struct error *err);

/* What of the record says where the layer of a live version goes. ERROR_REFUSED where there can be none. */
int plan_live_layer(struct session *session, const struct ctr_snapshot *active, const struct location *location,
		    struct record *record, struct error *err);

#endif
