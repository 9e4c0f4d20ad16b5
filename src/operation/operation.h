/*
 * One operation on one workspace: create, version, rollback or compact, from the check of its
 * arguments to the released lock. The steps stand in steps.c, what is decided before the
 * stop in plan.c, what happens when a step fails in verdict.c, and what an earlier run
 * left in recovery.c.
 */
#ifndef WSNAP_OPERATION_OPERATION_H
#define WSNAP_OPERATION_OPERATION_H

#include "operation/result.h"
#include "workspace/session.h"

/*
 * Runs it. 0: done and durable; then *result says what. ERROR_INCOMPLETE fills *result too as far as it is known.
 * Finishes what an earlier run left on this workspace first. Blocks up to settings->wait_s for the lock.
 */
int operation_run(struct session *session, const struct operation_request *request, struct operation_result *result,
		  struct error *err);

#endif
