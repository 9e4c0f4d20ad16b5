/*
 * The layers of the tip, the newest live version, from its own down to the oldest that lies above what the writable layer
 * stands on: what they show together under a name.
 */
#ifndef WSNAP_LIVE_TIP_H
#define WSNAP_LIVE_TIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layer/inodes.h"
#include "layer/layer.h"
#include "live/nodes.h"

/* Zeroed but for `find` and `context`, nothing is open. */
struct tip {
	int (*find)(struct layer_paths *layers, void *context, struct error *err); /* NULL: there is no tip */
	void *context;
	bool asked;
	struct layer_paths layers; /* newest first */
	int *folders;              /* of the same, open */

	/* The folder that was looked into last: the entry `folder` as the layer `layer` has it. */
	int open;
	uint32_t folder;
	size_t layer;

	/* Files with several names that are the same in both, each with the inode number that it has on the other side. */
	struct inodes ours, theirs;
};

/* Finds its layers and opens them, unless that was tried before. */
bool tip_open(struct tip *tip);

/* Fills the empty tree with all that the tip shows: entries with the mark NODE_SHOWN; folders in which nothing from below its
 * layers shows have NODE_OPAQUE too. 1; 0 where that cannot be told: then the tree is empty. -1: no memory. */
int tip_load(struct tip *tip, enum layer_marks marks, struct nodes *tree, struct error *err);

/* Opens the folder that an entry of the tree is in, as the layer has it; it stays the tip's, and open until the next call.
 * -1: it cannot be. */
int tip_folder(struct tip *tip, const struct nodes *tree, uint32_t folder, size_t layer);

/* Whether a file with several names has them where the tip's file has its own, as far as they are known until now. */
bool tip_pairs(struct tip *tip, const struct stat *ours, const struct stat *theirs);

void tip_release(struct tip *tip);

#endif
