/*
 * What a comparison reads is kept from collection while it reads: by views under a lease of its own. Both are taken back
 * at its end; should the run die, containerd does that in an hour.
 */
#ifndef WSNAP_COMPARE_HELD_H
#define WSNAP_COMPARE_HELD_H

#include "ctr/mounts.h"
#include "layer/layer.h"
#include "workspace/session.h"

struct held_view {
	char *snapshotter;
	char *key;
};

struct held {
	struct session *session;
	char *lease; /* NULL: nothing is held yet */
	struct held_view *views;
	size_t count;
};

/* A view of the committed snapshot, held from now on, and its mounts. ERROR_NOT_FOUND. */
int held_view(struct held *held, const char *snapshotter, const char *name, struct ctr_mounts *mounts,
	      struct error *err);

/* The folders of its chain, newest first; overlayfs only. */
int held_layers(struct held *held, const char *snapshotter, const char *name, struct layer_paths *layers,
		struct error *err);

/* Lets go of all. What cannot be taken back is containerd's to take. */
void held_release(struct held *held);

#endif
