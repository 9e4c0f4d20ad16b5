/*
 * What a workspace has become that ran while its files were half restored: wsnap and its guard were killed, and somebody has
 * ended and started it, or thawed it. That is nobody's version yet, and finishing the restore would take it away: it becomes
 * a version of its own first, in the same freeze in which the rest of the change is made.
 */
#ifndef WSNAP_OPERATION_MEANTIME_H
#define WSNAP_OPERATION_MEANTIME_H

#include "operation/run.h"

/* Makes to the end what an earlier run has begun, whether the workspace runs by now or not, and whatever it has become.
 * ERROR_INCOMPLETE. */
int meantime_finish(struct run *run, struct error *err);

/* The same for one that did not run, and was started by somebody while its files were changed: that task is ended, since it does
 * not see all that was done beneath it, and started again behind it. What of it was in the way is recorded as a version. */
int meantime_end_start(struct run *run, struct error *err);

/* What was taken so is a version, behind what was saved before the change, so that their numbers are in the order of time; the
 * run knows its number. 0 also where nothing was taken. */
int meantime_record(struct run *run, struct error *err);

/* What a run before us has half filled is of no use, nor is what nobody knows to be whole. */
int meantime_drop_half(struct run *run, struct error *err);

/* What was taken so is committed. 0 also where nothing was. */
int meantime_keep(struct run *run, struct error *err);

/* And it is in the database: its number is in *version, 0 where nothing was taken. */
int meantime_tell(struct run *run, int32_t *version, struct error *err);

#endif
