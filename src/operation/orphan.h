/*
 * A container that is not any more what the operation was decided for: somebody has removed it, made another of its id, or
 * put it on another snapshot. It is looked at again right before it is stopped and right before it is repointed, and
 * wherever a step fails: what is not ours is neither killed nor turned.
 */
#ifndef WSNAP_OPERATION_ORPHAN_H
#define WSNAP_OPERATION_ORPHAN_H

#include "ctr/containers.h"
#include "operation/run.h"

/* Whether it is still that container; else run->found says what has become of it. */
bool orphan_judge(struct run *run, const struct ctr_container *container);

/* Looks at it in containerd. 0: it is what it was. -1 with an orphaned run, ERROR_FAILED and what has happened; or without,
 * where containerd could not be asked. */
int orphan_check(struct run *run, struct error *err);

/* What has become of it: "the container was removed by somebody". Static. */
const char *orphan_words(const struct run *run);

#endif
