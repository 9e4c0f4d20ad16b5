/* The files of a snapshot as a mount that nobody sees yet: read-only, without set-user-ID and devices. It goes when its
 * descriptor is closed, unless it was put somewhere. */
#ifndef WSNAP_WORKSPACE_TREE_H
#define WSNAP_WORKSPACE_TREE_H

#include "ctr/mounts.h"
#include "layer/layer.h"

/* A descriptor on the root. `source` is what the table of mounts will call it, where it can be called anything. */
int tree_mount(const struct ctr_mounts *mounts, const char *source, struct error *err);

/* The same with the ids that a container with these maps shows on this host (layer/id_map.h). */
int tree_mount_mapped(const struct ctr_mounts *mounts, const struct id_maps *maps, const char *source,
		      struct error *err);

/* The same of layers of overlayfs, newest first. */
int tree_mount_layers(const struct layer_paths *layers, enum layer_marks marks, const char *source, struct error *err);

/* The same by mount(2), with one page of options: for kernels before 6.5. Needs /tmp, for the moment of the mount. */
int tree_mount_joined(const struct layer_paths *layers, enum layer_marks marks, const char *source, struct error *err);

/* The files of an active snapshot that nothing runs on, to be changed: as containerd would mount them, and seen by nobody
 * either. */
int tree_mount_writable(const struct ctr_mounts *mounts, struct error *err);

/* Puts it on a folder. */
int tree_attach(int tree, const char *folder, struct error *err);

#endif
