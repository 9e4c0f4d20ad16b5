/* The files of a snapshot whose layers cannot be read one by one, as one tree: mounted read-only, where nobody else sees
 * it, until it is closed. */
#ifndef WSNAP_COMPARE_TREE_H
#define WSNAP_COMPARE_TREE_H

#include "ctr/mounts.h"
#include "layer/layer.h"

/* A descriptor on the root. ERROR_FAILED. */
int tree_mount(const struct ctr_mounts *mounts, struct error *err);

/* The same of layers of overlayfs, newest first. */
int tree_mount_layers(const struct layer_paths *layers, enum layer_marks marks, struct error *err);

#endif
