/*
 * Which files are an overlay's. Where its layers lie on several filesystems it shows a file under a device of its own for each
 * of these (kernel documentation, filesystems/overlayfs: inode properties); then the mount tells.
 */
#ifndef WSNAP_LIVE_OVERLAY_H
#define WSNAP_LIVE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct open_file;

struct overlay_device {
	dev_t device;
	bool ours;
};

/* Zeroed but for `device`, nothing is known yet. */
struct overlay {
	dev_t device; /* of its folders */
	struct overlay_device *known;
	size_t count;
};

/* 1, 0; -1: no memory. A file of which nothing can be told counts as its own. */
int overlay_has(struct overlay *overlay, const struct open_file *file, struct error *err);

void overlay_release(struct overlay *overlay);

#endif
