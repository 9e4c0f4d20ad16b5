/*
 * What a writable layer held when it was last looked at, as one tree in memory: for every entry its inode number
 * and the time of its last change (ctime), and what the layers of the live versions so far show in its place.
 *
 * Entries are numbered; the root is 0. A number stays valid until its entry, or a folder above it, is dropped.
 */
#ifndef WSNAP_LIVE_NODES_H
#define WSNAP_LIVE_NODES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"
#include "layer/listing.h"

#define NODE_NONE UINT32_MAX
#define NODE_ROOT 0

enum node_kind { NODE_GONE, NODE_DIRECTORY, NODE_REGULAR, NODE_WHITEOUT, NODE_OTHER };

enum {
	NODE_TIP = 1,      /* the tip has something under this name (a whiteout counts) */
	NODE_COVERED = 2,  /* a folder in which nothing of the tip shows */
	NODE_OPAQUE = 4,   /* a folder that is opaque in the writable layer */
	NODE_IN_LAYER = 8, /* the new layer has an entry for it */
	NODE_UNSURE = 16,  /* something may have been written since that shows in no ctime */
	NODE_YOUNG = 32,   /* was taken so soon after a change that the next one may show no new ctime */
	NODE_SYNCED = 64,  /* a store through a shared mapping since it was taken shows in its ctime */
	NODE_DUE = 128,    /* a folder whose metadata the new layer has not got yet */
	NODE_SHOWN = 256,  /* what the tip shows; what the writable layer has in its place is not known yet */
};

/* Small, since there may be a million of them. */
struct node {
	int64_t ctime_ns;   /* of one that is only shown: the number of the tip's layer that shows it */
	uint32_t inode_low; /* nodes_inode() has all of it */
	uint32_t parent, first_child, next_sibling;
	uint32_t name; /* where it stands among the names */
	uint32_t next_by_name, next_by_inode;
	uint16_t flags;
	uint8_t kind;
	uint8_t seen; /* the number of the walk that met it last */
};

struct nodes {
	struct node *nodes;
	uint32_t count, capacity, free; /* `free`: the first of those that were dropped */
	uint32_t *inodes_high;          /* of each inode number; NULL where all are below 2^32 */
	char *names;
	size_t names_length, names_capacity;
	uint32_t *by_name, *by_inode;
	uint32_t buckets; /* a power of two */
	uint64_t seed;
};

#define cleanup_nodes __attribute__((cleanup(nodes_release)))

/* A tree with a root alone. */
int nodes_begin(struct nodes *tree, struct error *err);
void nodes_release(struct nodes *tree);

static inline struct node *nodes_node(const struct nodes *tree, uint32_t id)
{
	return &tree->nodes[id];
}

static inline uint64_t nodes_inode(const struct nodes *tree, uint32_t id)
{
	uint64_t high = tree->inodes_high ? tree->inodes_high[id] : 0;

	return high << 32 | tree->nodes[id].inode_low;
}

const char *nodes_name(const struct nodes *tree, uint32_t id);

/* Adds the entry's path from the root, "a/b", to a text. */
void nodes_add_path(const struct nodes *tree, uint32_t id, struct text *path);

/* The entry's path from the root, within `path`; "." is the root. NULL: it has more bytes than a path may have. */
const char *nodes_path(const struct nodes *tree, uint32_t id, char path[static PATH_MAX]);

/* NODE_NONE: there is none of that name. */
uint32_t nodes_find(const struct nodes *tree, uint32_t parent, const char *name);

/* The same, and faster where the entry has the number before or after `near`: as those of one folder do that are looked for in
 * the order of its listing, or against it. */
uint32_t nodes_find_near(const struct nodes *tree, uint32_t parent, const char *name, uint32_t near);

/* The first, and the next one after `id`, of those with this inode number. */
uint32_t nodes_by_inode(const struct nodes *tree, uint64_t inode);
uint32_t nodes_next_by_inode(const struct nodes *tree, uint32_t id);

/* A new entry of kind NODE_GONE, without an inode number (0). NODE_NONE: no memory. Pointers to nodes are not valid any more. */
uint32_t nodes_add(struct nodes *tree, uint32_t parent, const char *name, struct error *err);

/* What the entry is now. Of a whiteout no inode number is kept (0): overlayfs makes them all names of a few inodes. */
int nodes_set(struct nodes *tree, uint32_t id, const struct stat *status, struct error *err);

/* What is in any regular file may have changed without a new time. */
void nodes_doubt_files(struct nodes *tree);

/* Drops all that is in a folder. */
void nodes_drop_children(struct nodes *tree, uint32_t id);

enum node_kind nodes_kind(const struct stat *status);
enum node_kind nodes_kind_of(enum entry_kind kind);
int64_t nodes_ctime(const struct stat *status);

#endif
