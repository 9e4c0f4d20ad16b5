/* Whether an operation merges layers first, so that the chain stays in its bounds. */
#ifndef WSNAP_OPERATION_PLAN_CHAIN_H
#define WSNAP_OPERATION_PLAN_CHAIN_H

#include "ctr/snapshots.h"
#include "workspace/chain.h"
#include "workspace/location.h"
#include "workspace/record.h"

/*
 * Sets the record's depth, and its merge names where layers are merged: when the chain is at the limit, or with
 * `at_once` whenever there are two layers above the image's. ERROR_REFUSED when the chain cannot be brought into
 * its bounds. Only overlayfs has bounds.
 */
int plan_chain(struct session *session, const struct ctr_snapshot *active, const struct location *location,
	       bool at_once, struct record *record, struct error *err);

/* Pure: whether the chain has to be looked at, for an active snapshot on so many layers; only then is it read. */
bool plan_chain_is_due(const struct ctr_snapshot *active, size_t below, int limit);

/* Pure: what follows from the chain. [0] is the active snapshot. */
int plan_chain_decide(const struct chain *chain, bool at_once, int limit, struct record *record, struct error *err);

/* The same for a rollback, which merges nothing: ERROR_REFUSED when a workspace cannot stand on its target. */
int plan_chain_back(struct session *session, const struct location *location, struct record *record, struct error *err);

/* Pure: [0] is the target. */
int plan_chain_decide_back(const struct chain *chain, struct record *record, struct error *err);

#endif
