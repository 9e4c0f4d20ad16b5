/* What is decided where the workspace is stopped and started again: that it will start, and with what. */
#ifndef WSNAP_OPERATION_PLAN_STOP_H
#define WSNAP_OPERATION_PLAN_STOP_H

#include "network/network.h"
#include "operation/findings.h"

/*
 * Writes into the record which layers are merged, the network and the devices, and hands over the network. 1: there is
 * nothing to compact. ERROR_REFUSED where the task would not come back; --force insists.
 */
int plan_stop(const struct plan *plan, const struct findings *findings, struct record *record, struct network **network,
	      struct operation_result *result, struct error *err);

#endif
