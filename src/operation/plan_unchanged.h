/* --if-changed: whether there is anything to save. */
#ifndef WSNAP_OPERATION_PLAN_UNCHANGED_H
#define WSNAP_OPERATION_PLAN_UNCHANGED_H

#include "operation/findings.h"

/*
 * 1: the workspace is as the version that it stands on has it, and *result is that version, which is noted on the active
 * snapshot; 0: there may be something to save, or the request does not ask; -1.
 */
int plan_unchanged(const struct plan *plan, const struct findings *findings, const struct record *record,
		   struct operation_result *result, struct error *err);

#endif
