/* Whether an entry has gone, or become another, since it was looked at. */
#ifndef WSNAP_LAYER_MOVED_H
#define WSNAP_LAYER_MOVED_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/*
 * `name` in the folder `dir` is not what `was` says any more. `failure`, or NULL: what came of reading it. One that went
 * and came back within a tick of the clock may have the inode number and the times that it had (ext4 gives the number to
 * the next one at once), so a failure that says that nothing of that kind was there is believed. Not to be given where
 * nobody is at work in the folder: there such a failure has another cause, and so has one to look at it again.
 */
bool entry_has_moved(int dir, const char *name, const struct stat *was, const struct error *failure);

#endif
