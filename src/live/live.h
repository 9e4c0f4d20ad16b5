/*
 * Live versions, below containerd: a new layer that shows what a workspace's writable layer was at one moment, while
 * the workspace goes on running but for some milliseconds.
 *
 * live_begin(), live_take(), then live_save_index() once the layer is committed, live_end(). Knows nothing of containerd or of
 * the database. Needs root. All paths are absolute.
 *
 * Instead of a version, or together with one, a change of the files can be made at that moment (struct live_change).
 */
#ifndef WSNAP_LIVE_LIVE_H
#define WSNAP_LIVE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layer/layer.h"
#include "live/request.h"

struct live;

/* Finds the freezer and the tip's state. ERROR_REFUSED where the workspace cannot be frozen. *has_tip says whether the
 * layer will go on the tip: without one, or where neither its state nor its layers can be read, it goes on what lies below the
 * writable layer. */
int live_begin(const struct live_request *request, struct live **live, bool *has_tip, struct error *err);

/*
 * Fills `layer`, an empty folder (NULL: nothing is saved, only the change is made). ERROR_INCOMPLETE: the change has begun
 * and could not be made, and the workspace stands still. ERROR_FAILED with *again: the layer is to be emptied and all begun anew without a tip. Otherwise nothing
 * was taken, and the workspace runs.
 */
int live_take(struct live *live, const char *layer, struct live_result *result, bool *again, struct error *err);

/* The layer is the newest tip now, under this name. */
int live_save_index(struct live *live, const char *name, struct error *err);

/* Whether the writable layer certainly is what it was when the tip was taken: 1, or 0 when that cannot be told by inode
 * numbers and times alone. */
int live_is_as_tip(const char *upper, enum layer_marks marks, const char *index, const char *tip);

/* The state of the tip `from` is that of the tip `to` as well, to which its layers were merged. */
int live_rename_index(const char *index, const char *from, const char *to, struct error *err);

void live_end(struct live *live);

/* Makes a change that an earlier run has sealed: freezes the processes, if they are not frozen, and thaws them behind it
 * unless somebody else has frozen them. `ours`: the folder of the control group that is frozen by us, or NULL. Of the request pid,
 * others, change and note_freezer count. ERROR_INCOMPLETE as for live_take(). */
int live_finish(const struct live_request *request, const char *ours, struct error *err);

/* Whether its processes stand still now: 1, 0; -1 ERROR_REFUSED where they could not be made to. Of the request pid and others
 * count. */
int live_is_frozen(const struct live_request *request, struct error *err);

/* Thaws what an earlier run has left frozen. No such group any more is no error. */
int live_thaw(const char *folder, struct error *err);

#endif
