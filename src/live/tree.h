/*
 * What a writable layer held when it was last looked at, as one tree in memory: for every entry its inode number
 * and the time of its last change (ctime), and what the layers of the live versions so far show in its place.
 *
 * Entries are numbered; the root is 0. A number stays valid until its entry, or a folder above it, is dropped.
 */
#ifndef WSNAP_LIVE_TREE_H
#define WSNAP_LIVE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

#define TREE_NONE UINT32_MAX
#define TREE_ROOT 0

enum node_kind { NODE_GONE, NODE_DIRECTORY, NODE_REGULAR, NODE_WHITEOUT, NODE_OTHER };

enum {
	NODE_TIP = 1,       /* the tip has something under this name (a whiteout counts) */
	NODE_COVERED = 2,   /* a folder in which nothing of the tip shows */
	NODE_OPAQUE = 4,    /* a folder that is opaque in the writable layer */
	NODE_IN_LAYER = 8,  /* the new layer has an entry for it */
	NODE_UNSURE = 16,   /* something may have been written since that shows in no ctime */
	NODE_YOUNG = 32,    /* was taken so soon after a change that the next one may show no new ctime */
	NODE_SYNCED = 64,   /* a store through a shared mapping since it was taken shows in its ctime */
	NODE_WATCHED = 256, /* the inode itself is watched */
	NODE_DUE = 128,     /* a folder whose metadata the new layer has not got yet */
};

struct node {
	uint64_t inode;
	int64_t ctime_ns;
	uint32_t parent, first_child, next_sibling;
	uint32_t name; /* where it stands among the names */
	uint32_t next_by_name, next_by_inode;
	uint16_t flags;
	uint8_t kind;
	uint8_t seen; /* the number of the walk that met it last */
};

struct tree {
	struct node *nodes;
	uint32_t count, capacity, free; /* `free`: the first of those that were dropped */
	char *names;
	size_t names_length, names_capacity;
	uint32_t *by_name, *by_inode;
	uint32_t buckets; /* a power of two */
	uint64_t seed;
};

#define cleanup_tree __attribute__((cleanup(tree_release)))

/* A tree with a root alone. */
int tree_begin(struct tree *tree, struct error *err);
void tree_release(struct tree *tree);

static inline struct node *tree_node(const struct tree *tree, uint32_t id)
{
	return &tree->nodes[id];
}

const char *tree_name(const struct tree *tree, uint32_t id);

/* TREE_NONE: there is none of that name. */
uint32_t tree_find(const struct tree *tree, uint32_t parent, const char *name);

/* The first, and the next one after `id`, of those with this inode number. */
uint32_t tree_by_inode(const struct tree *tree, uint64_t inode);
uint32_t tree_next_by_inode(const struct tree *tree, uint32_t id);

/* A new entry of kind NODE_GONE. TREE_NONE: no memory. Pointers to nodes are not valid any more. */
uint32_t tree_add(struct tree *tree, uint32_t parent, const char *name, struct error *err);

/* What the entry is now. */
void tree_set(struct tree *tree, uint32_t id, const struct stat *status);

/* Drops all that is in a folder. */
void tree_drop_children(struct tree *tree, uint32_t id);

enum node_kind tree_kind(const struct stat *status);
int64_t tree_ctime(const struct stat *status);

#endif
