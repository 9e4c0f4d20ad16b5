/*
 * Layers with the ids that a container shows them with on this host, as containerd mounts those that it maps (`ctr run
 * --remap-labels`): a mount of the folder that all of them are in, below /tmp for the moment that an overlay is made of them,
 * which holds what it needs by itself. (Kernels before 6.15 take no layers from a mount that is nowhere.)
 */
#ifndef WSNAP_WORKSPACE_MAPPED_LAYERS_H
#define WSNAP_WORKSPACE_MAPPED_LAYERS_H

#include "layer/layer.h"

struct mapped_layers {
	char folder[32];          /* "" until it is made */
	struct layer_paths paths; /* in the order of the layers */
};

/* ERROR_REFUSED where the kernel or the filesystem cannot do that. Also after an error, mapped_layers_release(). */
int mapped_layers_mount(const struct layer_paths *layers, const struct id_maps *maps, struct mapped_layers *mapped,
			struct error *err);

void mapped_layers_release(struct mapped_layers *mapped);

#define cleanup_mapped_layers __attribute__((cleanup(mapped_layers_release)))

#endif
