/* What is decided for a restore. */
#ifndef WSNAP_OPERATION_PLAN_RESTORE_H
#define WSNAP_OPERATION_PLAN_RESTORE_H

#include "ctr/snapshots.h"
#include "operation/result.h"
#include "workspace/location.h"
#include "workspace/record.h"
#include "workspace/session.h"

/* Whether nothing differs from the version: 1, 0, -1. Then the workspace only stands on it from now on, if all of it was
 * asked for. */
int plan_restore_judge(struct session *session, const struct operation_request *request, const struct record *record,
		       struct operation_result *result, struct error *err);

/* A workspace that does not run is saved with a stop before, by an operation of its own. */
struct saved_before {
	int32_t version; /* 0: it was not saved */
	const char *name;
};

/*
 * Makes the planned record that of a restore: of the files of a workspace that goes on running, or that does not run. What
 * it is now becomes a live version first, unless the request says otherwise. ERROR_REFUSED where that cannot be.
 */
int plan_restore(struct session *session, const struct operation_request *request, const struct saved_before *saved,
		 const struct ctr_snapshot *active, const struct location *location, struct record *record,
		 struct error *err);

#endif
