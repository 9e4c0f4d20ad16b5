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

/* The folders of a snapshot's chain, once they are known: each view that is made takes containerd some writes. */
struct held_chain {
	char *snapshotter;
	char *name;
	struct layer_paths layers;
};

struct held {
	struct session *session;
	char *lease; /* NULL: nothing is held yet */
	struct held_view *views;
	size_t count;
	struct held_chain *chains;
	size_t chain_count;
};

/* Keeps a committed snapshot, and with it all that it stands on, without a view. */
int held_keep(struct held *held, const char *snapshotter, const char *name, struct error *err);

/* Remembers where the chain of the snapshot lies, as the mounts of what stands on it, or of its view, say. */
int held_know(struct held *held, const char *snapshotter, const char *name, const struct ctr_mounts *mounts,
	      struct error *err);

/* A view of the committed snapshot, held from now on, and its mounts. ERROR_NOT_FOUND. */
int held_view(struct held *held, const char *snapshotter, const char *name, struct ctr_mounts *mounts,
	      struct error *err);

/* The folders of its chain, newest first; overlayfs only. They are the value's. NULL: error. */
const struct layer_paths *held_layers(struct held *held, const char *snapshotter, const char *name, struct error *err);

/* Lets go of all. What cannot be taken back is containerd's to take. */
void held_release(struct held *held);

#endif
