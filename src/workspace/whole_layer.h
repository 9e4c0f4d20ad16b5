/*
 * A writable layer that a state is copied into, beside the workspace: a file beside its folder says that it holds all of it.
 * So whoever finds the layer where the record of the operation is lost knows whether it is a state of the workspace. A label
 * would say the same, but to write one may take long, and the workspace stands still.
 */
#ifndef WSNAP_WORKSPACE_WHOLE_LAYER_H
#define WSNAP_WORKSPACE_WHOLE_LAYER_H

#include "base/error.h"

/* `folder` is that of the layer. The caller syncs the filesystem. */
int whole_layer_mark(const char *folder, struct error *err);

/* One that is not there is no error. */
int whole_layer_unmark(const char *folder, struct error *err);

/* 1, 0, -1. */
int whole_layer_is_marked(const char *folder, struct error *err);

#endif
