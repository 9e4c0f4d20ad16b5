/* Versions that are kept by what stands on them alone, when the workspace leaves them. */
#ifndef WSNAP_OPERATION_KEEP_BELOW_H
#define WSNAP_OPERATION_KEEP_BELOW_H

#include "operation/run.h"

/*
 * Where the workspace will not stand any more on the layers it has: each of them that is a version with a row bears gc.root from
 * now on. It may lack that where somebody has taken the label off, or where its row came back from a backup.
 */
int keep_below(struct run *run, struct error *err);

#endif
