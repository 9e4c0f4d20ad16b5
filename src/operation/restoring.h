/*
 * The files of a workspace in the making to be a version's: the version as a tree, the workspace's root, the list of what is
 * to be done, and the list on the disk from which whoever comes after a crash does it again.
 */
#ifndef WSNAP_OPERATION_RESTORING_H
#define WSNAP_OPERATION_RESTORING_H

#include "operation/restoring_state.h"

/* Opens everything, and begins an empty list. The run has it from then on; one that it had before goes. */
int restoring_begin(struct run *run, struct error *err);
/* Where the state before goes: the folder is noted to be whole before the change is sealed. */
int restoring_note_layer(struct restoring *restoring, const char *folder, struct error *err);
/* Before the run ends. */
void restoring_end(struct run *run);

/* Makes the change where nothing runs on the workspace. 0 also where somebody has started it meanwhile, which the state then
 * says: it has to be made again. */
int restoring_make(struct restoring *restoring, struct error *err);

/* Whether the change of this record has been begun, so that it has to be made, or made for good: 1, 0, -1. */
int restoring_is_begun(struct run *run, struct error *err);

/* Opens what an earlier run has begun, as restoring_begin() does: 1 it has to be made; 0 it was made, and is on the disk or
 * will be; -1. */
int restoring_open(struct run *run, struct error *err);

/* Makes it, whether the workspace runs by now or not. ERROR_INCOMPLETE: it has begun, and could not be made to the end. */
int restoring_finish(struct run *run, struct error *err);

/* It is on the disk. */
int restoring_forget(struct run *run, struct error *err);

/* Also the version's view. */
int restoring_tidy(struct run *run, struct error *err);

/* Processes that must not be frozen, because without them nobody could thaw the workspace: we, containerd and the shim. */
#define OTHERS_MAX 3
size_t restoring_list_others(const struct run *run, uint32_t pid, uint32_t others[OTHERS_MAX]);

#endif
