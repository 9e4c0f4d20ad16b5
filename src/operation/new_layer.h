/* Committed snapshots that wsnap fills by itself: layers made one, and what a broken commit has left on the disk. */
#ifndef WSNAP_OPERATION_NEW_LAYER_H
#define WSNAP_OPERATION_NEW_LAYER_H

#include "base/labels.h"
#include "operation/run.h"

/* The key of the snapshot that will become `name`; the caller frees, NULL: no memory. */
char *new_layer_work(const char *name);

/* Prepares a fresh snapshot on `parent` ("" for none) that will become `name`; a half filled one of an earlier try
 * goes first. */
int new_layer_begin(struct run *run, const char *name, const char *parent, struct error *err);

/* Removes it if it is not committed yet. */
int new_layer_drop(struct run *run, const char *name, struct error *err);

/* Fills it with what the layers (folders, newest first) show together, syncs its filesystem, and commits it with these
 * labels. What layer_merge() refuses is ERROR_REFUSED. */
int new_layer_fill(struct run *run, const char *name, const char *const *layers, size_t count,
		   const struct labels *labels, struct error *err);

#endif
