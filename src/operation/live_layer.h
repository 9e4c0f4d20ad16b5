/* The snapshot in which a live version is gathered, and what is left of it. */
#ifndef WSNAP_OPERATION_LIVE_LAYER_H
#define WSNAP_OPERATION_LIVE_LAYER_H

#include "ctr/snapshots.h"
#include "operation/run.h"
#include "workspace/location.h"

/* The folders of the layers from the tip down to what lies below the writable layer, newest first. */
int live_layer_find(struct run *run, struct layer_paths *layers, struct error *err);

/* Makes the layers from the tip down to what lies below the writable layer one, beside the running workspace. */
int live_layer_merge(struct run *run, struct error *err);

/* An empty one on the tip (or on what it was merged to), or on what lies below the writable layer. */
int live_layer_prepare(struct run *run, struct error *err);

/* Of an operation that is taken back: it goes, and so does what was committed already. Nothing stands on them. */
int live_layer_drop(struct run *run, struct error *err);

/* Adds those of the active snapshot's labels that tell of the version. */
int live_layer_add_labels(const struct record *record, struct labels *labels, struct error *err);

/* Labels the active snapshot after a restore: it stands on that snapshot (NULL: on what it stood on), whatever its tip is. */
int live_layer_label_restored(struct run *run, const char *stands_on, struct error *err);

/* Makes a merged layer the tip, which keeps it: no version stands on it yet. */
int live_layer_label_tip(struct run *run, const char *name, struct error *err);

/* Whether the writable layer certainly is what the version that the workspace stands on was taken of. */
bool live_layer_is_unchanged(struct session *session, const struct record *record, const struct ctr_snapshot *active,
			     const struct location *location);

/* Removes what is left of a file that was half written. */
void live_layer_tidy(struct run *run);

/* The path of the file in which the tip's state is kept; the caller frees. */
char *live_layer_index(struct session *session, const char *container_id, struct error *err);

/* The active snapshot says that an operation may freeze the workspace: where that and its record are gone, doctor finds it. */
int live_layer_note_at_work(struct run *run, struct error *err);
int live_layer_note_ended(struct run *run, struct error *err);

#endif
