/* One entry of the root at a time; for apply.c. */
#ifndef WSNAP_REPLACE_PUT_H
#define WSNAP_REPLACE_PUT_H

#include "replace/replace.h"

/* Removes what stands in the way of the item, or is not in the tree any more. Mounts stay, and the folders that lead to them. */
int put_clear(struct replace *replace, const struct replace_item *item, struct error *err);

/* Puts the item in place, if the tree has it. */
int put_item(struct replace *replace, struct replace_item *item, struct error *err);

/* Gives a folder the times that it has in the tree, if it is one on both sides. */
int put_times(struct replace *replace, const char *path, struct error *err);

#endif
