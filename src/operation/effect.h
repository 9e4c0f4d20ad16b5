/* Whether an operation has come to what cannot be taken back. */
#ifndef WSNAP_OPERATION_EFFECT_H
#define WSNAP_OPERATION_EFFECT_H

#include "operation/run.h"

/* The state is committed, or nothing was to be saved and the container stands on its new snapshot. 1, 0, -1. */
int effect_is_taken(struct run *run, struct error *err);

/*
 * Waits for what may still be under way in containerd: calls whose answer never came. Its writes come one after the
 * other (boltdb has one writer), so one of our own waits for them. Takes the lease on the way, which the way back needs
 * as well.
 */
int effect_wait_for_writes(struct run *run, struct error *err);

/*
 * The part of it that waits for snapshots alone: a collection holds up their commits and removals, but not the writes of
 * leases.
 */
int effect_wait_for_snapshots(struct run *run, struct error *err);

/* Whether the workspace has run on a rollback's target since an earlier run started it: then that is its state, which
 * going back would lose. */
bool effect_was_used(struct run *run);

#endif
