/* The change itself: how it is worked out, made ready, sealed and made; by this process or, when it is gone, by its guard. */
#ifndef WSNAP_OPERATION_RESTORING_CHANGE_H
#define WSNAP_OPERATION_RESTORING_CHANGE_H

#include "operation/restoring_state.h"

/* An empty list, of what is open. */
int restoring_begin_list(struct restoring *restoring, struct error *err);

/* What is mounted in the workspace now, wherever in it: that is not touched. */
int restoring_add_mounts(struct restoring *restoring, struct error *err);

/* Fills in restoring->change. */
void restoring_set_change(struct restoring *restoring);

/* The same for a list that was sealed by an earlier run, and is to be made in the same freeze in which something is saved:
 * `saved` is called when that is. */
void restoring_set_again(struct restoring *restoring, int (*saved)(void *context, struct error *err));

/* *stamp (which is replaced; the caller frees) is the same text as long as none of its processes has run, and never again
 * after. "" where that cannot be told. */
int restoring_stamp(const struct restoring *restoring, char **stamp, struct error *err);

/* Whether nothing ran in the workspace when the list was ended, as far as that says. */
bool restoring_was_stopped(const struct restoring *restoring);

/* All that was written to its filesystem is on the disk. */
int restoring_write_back(const struct restoring *restoring, struct error *err);

/* What was saved is whole, and on the disk. */
int restoring_keep_layer(const struct restoring *restoring, struct error *err);

#endif
