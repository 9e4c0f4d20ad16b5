/* Taking an active snapshot away that nothing became of. */
#ifndef WSNAP_OPERATION_LET_GO_H
#define WSNAP_OPERATION_LET_GO_H

#include "operation/run.h"

/*
 * Removes the active snapshot `key` of the run's snapshotter; one that is not there is no error. ERROR_REFUSED, with
 * nothing done, where that could be somebody's state: a container stands on it, its folder is the writable layer that the
 * record speaks of, or something lies in it.
 */
int let_go(struct run *run, const char *key, struct error *err);

/* Whether any container stands on it: 1, 0, -1. */
int let_go_is_stood_on(struct run *run, const char *key, struct error *err);

/* Whether nothing lies in the folder, which may be gone: 1, 0, -1. */
int let_go_is_empty(const char *path, struct error *err);

#endif
