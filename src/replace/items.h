/* The items of a change, for the files that make it up. */
#ifndef WSNAP_REPLACE_ITEMS_H
#define WSNAP_REPLACE_ITEMS_H

#include "replace/replace.h"

/* The item of a path, or NULL. */
struct replace_item *items_find(const struct replace *replace, const char *path);

/* Adds one whatever its scope; one that is there already is found. NULL: no memory. */
struct replace_item *items_add(struct replace *replace, const char *path, struct error *err);

/* Whether the path is `folder`, or lies below it. */
bool items_is_in(const char *path, const char *folder);

/* Whether changes are asked for there. */
bool items_is_in_scope(const struct replace *replace, const char *path);

/* Whether it is a mount's place, or lies below one. */
bool items_is_mounted(const struct replace *replace, const char *path);

/* Whether a mount's place lies below it. */
bool items_holds_mount(const struct replace *replace, const char *path);

/* Calls `each` for all that a side, or the tree, has in a path, with its status; -1 ends it. */
typedef int (*items_each_entry)(struct replace *replace, const char *path, const struct stat *status,
				struct error *err);
int items_walk(struct replace *replace, struct beneath *side, const char *path, items_each_entry each,
	       struct error *err);
int items_walk_tree(struct replace *replace, items_each_entry each, struct error *err);

/* What tells an entry of the root from all that anybody may make of it later, whatever the clock says then (touched.c). */
#define ITEMS_STATE_SIZE 80
int items_state(struct replace *replace, const char *path, char state[static ITEMS_STATE_SIZE], struct error *err);

/* Whether the entry is the same on both sides: 1, 0, -1. */
int items_is_same(struct replace *replace, const char *path, struct error *err);

void items_release(struct replace *replace);

/* links.c */
void links_release(struct replace *replace);

#endif
