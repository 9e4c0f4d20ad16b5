/*
 * Places in a JSON document, named by a path of members like linux.resources.devices. Objects on the way
 * are made where they are missing or null, and taken away when they are empty again.
 */
#ifndef WSNAP_DEVICE_TREE_H
#define WSNAP_DEVICE_TREE_H

#include "base/error.h"
#include "base/json.h"

/* What is at `path`, or NULL. Belongs to `root`. */
cJSON *tree_find(const cJSON *root, const char *path);

/* The array (or object) at `path`, made if need be. NULL with ERROR_FAILED if something else is in the way.
 */
cJSON *tree_make_array(cJSON *root, const char *path, struct error *err);
cJSON *tree_make_object(cJSON *root, const char *path, struct error *err);

/* Removes what is at `path` if it is empty, then its parents likewise; but not `process` or `linux`, which
 * say something even when they are empty. */
void tree_prune(cJSON *root, const char *path);

/* Puts `item` in front of `before`, one of the array's items, or at the end for NULL. Takes the item. */
void tree_insert(cJSON *array, cJSON *before, cJSON *item);

#endif
