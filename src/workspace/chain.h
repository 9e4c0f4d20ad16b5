/* The chain of a workspace: its snapshots from the active one down to the image's base. */
#ifndef WSNAP_WORKSPACE_CHAIN_H
#define WSNAP_WORKSPACE_CHAIN_H

#include "ctr/snapshots.h"
#include "workspace/session.h"

/* overlayfs takes 500 lower layers; some distance is kept for the image's own and other tools'. */
#define CHAIN_MAX_LAYERS 450
#define CHAIN_KERNEL_LIMIT 500

struct chain {
	struct ctr_snapshots snapshots; /* [0] is the one asked for, each on the next */
	size_t above_image;             /* how many behind [0] are no layer of an image */
};

/* Walks from `name` down. ERROR_FAILED when a snapshot is missing or the chain has no end. */
int chain_read(struct session *session, const char *snapshotter, const char *name, struct chain *chain,
	       struct error *err);
void chain_release(struct chain *chain);

#define cleanup_chain __attribute__((cleanup(chain_release)))

#endif
