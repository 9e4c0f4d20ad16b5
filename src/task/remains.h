/* What a dead client of Tasks.Create or Tasks.Delete, or a dead containerd, has left of a task, so that its container cannot
 * start: a shim without a task (shim.h), a folder that it does not get past (bundle.h). */
#ifndef WSNAP_TASK_REMAINS_H
#define WSNAP_TASK_REMAINS_H

#include "ctr/ctr.h"
#include "task/shim.h"

/* Whether there is any of it: 1, 0, -1. With a task there is none. */
int remains_find(struct ctr *ctr, const struct settings *settings, const struct shims *shims, const char *container_id,
		 struct error *err);

/* Clears it away. Waits some seconds for a shim that is just being started. */
int remains_clear(struct ctr *ctr, const struct settings *settings, const struct shims *shims, const char *container_id,
		  struct error *err);

#endif
