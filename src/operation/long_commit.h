/*
 * containerd measures what it commits by the whole paths of its entries, and cannot do so in a tree that is deeper than a
 * path can be. While it commits such a layer, something empty is mounted over what is too deep, so that it measures that: what
 * the layer holds lies where it did all the while, and an overlay on it does not see the mount.
 */
#ifndef WSNAP_OPERATION_LONG_COMMIT_H
#define WSNAP_OPERATION_LONG_COMMIT_H

#include "base/labels.h"
#include "operation/run.h"

/* Commits the snapshot `key`, whose folder this is, as `name`, whatever it holds. */
int long_commit(struct run *run, const char *name, const char *key, const char *folder, const struct labels *labels,
		struct error *err);

/* Takes away what an earlier run, which was killed meanwhile, has left mounted on the layers that it was about to make. */
void long_commit_tidy(struct run *run);

#endif
