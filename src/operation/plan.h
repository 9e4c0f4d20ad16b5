/*
 * Everything that is known and decided before a workspace is touched: the plan is the record
 * that the steps then make true.
 */
#ifndef WSNAP_OPERATION_PLAN_H
#define WSNAP_OPERATION_PLAN_H

#include "network/network.h"
#include "operation/findings.h"
#include "workspace/record.h"

/*
 * Fills the record, the network (NULL: not ours) and what *result can say already. 0: go; 1: there is nothing to do,
 * *result says so (--if-changed without a change, `compact` without anything to merge). Changes nothing of the
 * workspace. ERROR_REFUSED: the namespace has a keeper of its own, the chain is too deep, the snapshot is shared.
 */
int plan_make(const struct plan *plan, struct record *record, struct network **network, struct operation_result *result,
	      struct error *err);

#endif
