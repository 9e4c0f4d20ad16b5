/* Files that share their blocks by reference (FICLONE, ioctl_ficlonerange(2)). */
#ifndef WSNAP_LAYER_EXTENTS_H
#define WSNAP_LAYER_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the filesystem of a path shares so: xfs and btrfs do. */
bool extents_can_be_shared(const char *path);

/* How many of the `bytes` that a regular file has allocated are its own alone, as FIEMAP says; all of them
 * where it does not. Nothing is followed. */
int64_t extents_exclusive(int dir, const char *name, int64_t bytes);

#endif
