/* Where files wait that cannot be without names: a folder in the root, for as long as nobody but us is at work in it. */
#ifndef WSNAP_REPLACE_SHELF_H
#define WSNAP_REPLACE_SHELF_H

#include "replace/replace.h"

/* Gives the item's file the name, in the open folder. -1 with errno. */
int shelf_take(struct replace *replace, const struct replace_item *item, int folder, const char *name);

/* Takes the shelf away, with what is left on it. */
void shelf_release(struct replace *replace);

#endif
