/*
 * Room on the filesystem under the snapshotter. A commit on a full disk can leave containerd with a layer
 * that one of its two databases knows and the other does not, so a little room is asked for first.
 */
#ifndef WSNAP_WORKSPACE_DISK_SPACE_H
#define WSNAP_WORKSPACE_DISK_SPACE_H

#include <stdint.h>

#include "base/error.h"
#include "base/settings.h"

/* ERROR_FAILED when less than 16 MiB or 64 inodes are free around `path`; without one there is nothing to look at. */
int disk_space_check(const char *path, struct error *err);

/* The same before so much more is written there; `what` is what for ("merging layers"). */
int disk_space_check_for(const char *path, uint64_t bytes, uint64_t inodes, const char *what, struct error *err);

/* Warns when less of the filesystem is free than the settings ask for. */
void disk_space_warn(const struct settings *settings, const char *path);

#endif
