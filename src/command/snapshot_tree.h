/* Snapshots drawn as a tree, the youngest above: what stands on what, whatever order they came in. */
#ifndef WSNAP_COMMAND_SNAPSHOT_TREE_H
#define WSNAP_COMMAND_SNAPSHOT_TREE_H

#include "base/error.h"
#include "workspace/history.h"

struct snapshot_tree {
	struct tree_node *nodes;
	size_t count;
};

/* Keeps a copy of what is drawn: names, kind and times. */
int snapshot_tree_add(struct snapshot_tree *tree, const struct history_snapshot *described, struct error *err);

/* Calls `line` for each line, from above; both belong to the tree. `drawn` is what stands at its left; `described` is NULL
 * for a line that only draws. */
typedef int (*snapshot_tree_line)(const char *drawn, const struct history_snapshot *described, void *context,
				  struct error *err);
int snapshot_tree_draw(const struct snapshot_tree *tree, snapshot_tree_line line, void *context, struct error *err);

void snapshot_tree_release(struct snapshot_tree *tree);

#endif
