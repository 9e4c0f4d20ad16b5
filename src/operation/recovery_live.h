/* Finishing what was begun beside a running workspace: a live version, a restore of files. */
#ifndef WSNAP_OPERATION_RECOVERY_LIVE_H
#define WSNAP_OPERATION_RECOVERY_LIVE_H

#include "operation/run.h"

/* First of all: its processes may still be frozen. But those whose files are half changed must stay so. */
int recovery_thaw(struct run *run, struct error *err);

/* What was begun of a restore is made to the end, before anything else may run; of a live version what is committed is
 * recorded. The rest goes. */
int recovery_go_on_live(struct run *run, struct error *err);

/* Where the container is gone, or another's: nothing of it is changed any more, but what was saved before a restore is kept. */
int recovery_keep_restored(struct run *run, struct error *err);

#endif
