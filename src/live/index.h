/*
 * The tree as a file of ours, beside the layers: what the writable layer was when the tip was taken. It says whose tip
 * it is. Once the host has been started anew, every file is to be compared by what it holds: after a power cut its times
 * do not tell.
 */
#ifndef WSNAP_LIVE_INDEX_H
#define WSNAP_LIVE_INDEX_H

#include <stdint.h>

#include "base/error.h"
#include "live/nodes.h"

/* Fills the empty tree: 1, or 0 where there is no file that can be read, or none for this tip, or one that is damaged. */
int index_load(const char *path, const char *tip, struct nodes *tree, struct error *err);

/* Writes it in place of the one before. `frozen_ns` is when the workspace stood still: what had changed just before
 * is noted as unsure. */
int index_save(const char *path, const char *tip, const struct nodes *tree, int64_t frozen_ns, struct error *err);

#endif
