/* A task that cannot go on while a change of the workspace's files is finished: it is ended, and started again behind that. */
#ifndef WSNAP_OPERATION_RESTART_H
#define WSNAP_OPERATION_RESTART_H

#include "operation/run.h"

/* The restart monitor keeps away from it, if it watches it; which the record says from then on. */
int restart_hold(struct run *run, struct error *err);

/* Ends it. The record says how it ran, and that it has to run again, whoever comes after a crash. No task is no error. */
int restart_end(struct run *run, struct error *err);

/* Starts what the record says is down by our hand, or was left so by an earlier run. Where it does not start, that is pending from
 * then on, and no error. ERROR_INCOMPLETE where containerd cannot be asked, or the container is not ours any more. */
int restart_begin(struct run *run, struct error *err);

#endif
