/* Ending an operation whose container is not its own any more: removed, made anew, or put on another snapshot by others. */
#ifndef WSNAP_OPERATION_RECOVERY_ORPHAN_H
#define WSNAP_OPERATION_RECOVERY_ORPHAN_H

#include "operation/run.h"

/* run->found says why it is not. What is saved is kept as a version, the rest is given up. *what is one line, the caller
 * frees. ERROR_INCOMPLETE: recovery does the rest. */
int recovery_end_orphaned(struct run *run, char **what, struct error *err);

#endif
