/*
 * Deleting an ended task beside the commit: containerd unmounts its root and ends its shim, which
 * takes longer than the commit. A thread with a connection of its own does it.
 */
#ifndef WSNAP_TASK_TEARDOWN_H
#define WSNAP_TASK_TEARDOWN_H

#include "base/error.h"
#include "base/settings.h"

struct teardown;

/* Begins; the strings must stay until the end. */
int teardown_begin(const struct settings *settings, const char *container_id, struct teardown **teardown,
		   struct error *err);

/* Waits for it and frees it; NULL is fine. -1: the task could not be deleted. */
int teardown_end(struct teardown *teardown, struct error *err);

#endif
