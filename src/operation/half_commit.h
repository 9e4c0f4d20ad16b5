/*
 * containerd keeps snapshots in two databases. One that is killed between them in a commit has lost the writable layer
 * in the one, and has no committed snapshot in the other: then the files are on the disk, under neither name, until
 * a collection takes them.
 *
 * An empty layer could be committed in place of the writable one, and the folder moved into that afterwards, as a layer that
 * is put on merged ones is (move.h): a containerd that is killed would lose an empty layer then. It is not done for every
 * version, because a version would be there without its files for a moment, which nobody but the record knows of, because
 * each would be a rename in folders that are containerd's, and because containerd would say of each that it takes no space.
 */
#ifndef WSNAP_OPERATION_HALF_COMMIT_H
#define WSNAP_OPERATION_HALF_COMMIT_H

#include "operation/run.h"

/* Whether the committed snapshot is to be made of the files: the old active snapshot is gone though its folder is
 * there. Only for one that has no committed snapshot. 1, 0, -1. */
int half_commit_is_found(struct run *run, struct error *err);

/* The same for a layer that is still there, but that a commit which was cut off has left in a state that containerd
 * would take for committed. */
bool half_commit_is_safer_to_copy(const struct run *run);

/* Makes it, with these labels. */
int half_commit_save(struct run *run, const struct labels *labels, struct error *err);

#endif
