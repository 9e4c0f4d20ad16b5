/* The root of a workspace's first process, as a place to change files in. */
#ifndef WSNAP_OPERATION_ROOT_H
#define WSNAP_OPERATION_ROOT_H

#include "operation/run.h"

/*
 * Opens it. What is judged is the descriptor itself, whatever the process does meanwhile: it must be the whole of the mount
 * that containerd has made of the container's snapshot. ERROR_REFUSED where it is not, or where that cannot be told: a
 * process may have changed its root to a volume, and a number may be another process's by now.
 */
int root_open(struct run *run, uint32_t pid, struct error *err);

#endif
