/*
 * The files of a folder with other ids than they have on the disk: a mount that nobody else sees, through which the kernel
 * translates owners, ACLs and file capabilities (mount_setattr(2), "ID-mapped mounts"). By it a writable layer, whose files
 * belong to the host's ids of a user namespace, is read as a layer below it bears them, which containerd maps itself when it
 * mounts it.
 *
 * Read-only. The inodes are those of the folder, and the device is the same.
 */
#ifndef WSNAP_LAYER_MAPPED_VIEW_H
#define WSNAP_LAYER_MAPPED_VIEW_H

#include "layer/id_map.h"

struct mapped_view;

/* Each id that is the host's in `maps` is seen as the one inside. NULL with ERROR_REFUSED where the kernel, or the
 * filesystem, cannot do that. */
struct mapped_view *mapped_view_open(const char *folder, const struct id_maps *maps, struct error *err);

/* Of the folder's root, in this process, as long as the view is open. */
const char *mapped_view_path(const struct mapped_view *view);

/* A descriptor of such a mount, which can be put somewhere (move_mount(2)), to show ids in either way. -1 as above. */
int mapped_view_mount(const char *folder, const struct id_maps *maps, enum id_way way, struct error *err);

/* NULL is none. */
void mapped_view_close(struct mapped_view *view);

static inline void mapped_view_cleanup(struct mapped_view **view)
{
	mapped_view_close(*view);
}

#define cleanup_mapped_view __attribute__((cleanup(mapped_view_cleanup)))

#endif
