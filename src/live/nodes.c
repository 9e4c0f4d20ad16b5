#include "live/nodes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

#define FIRST_BUCKETS 1024
#define ENTRIES_A_BUCKET 4
#define MOST_NODES (UINT32_MAX / 2)

enum node_kind nodes_kind_of(enum entry_kind kind)
{
	switch (kind) {
	case ENTRY_DIRECTORY:
		return NODE_DIRECTORY;
	case ENTRY_REGULAR:
		return NODE_REGULAR;
	case ENTRY_WHITEOUT:
		return NODE_WHITEOUT;
	default:
		return NODE_OTHER;
	}
}

enum node_kind nodes_kind(const struct stat *status)
{
	return nodes_kind_of(listing_kind(status));
}

int64_t nodes_ctime(const struct stat *status)
{
	return (int64_t)status->st_ctim.tv_sec * 1000000000 + status->st_ctim.tv_nsec;
}

/* FNV-1a over a seed that nobody outside knows, and a last stir (splitmix64). */
static uint64_t stir(uint64_t hash)
{
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
	return hash ^ hash >> 31;
}

static uint32_t *name_bucket(const struct nodes *tree, uint32_t parent, const char *name)
{
	uint64_t hash = stir(tree->seed ^ parent);

	for (; *name; name++)
		hash = stir(hash ^ (unsigned char)*name);
	return &tree->by_name[hash & (tree->buckets - 1)];
}

static uint32_t *inode_bucket(const struct nodes *tree, uint64_t inode)
{
	return &tree->by_inode[stir(tree->seed ^ inode) & (tree->buckets - 1)];
}

static void chain_name(struct nodes *tree, uint32_t id)
{
	uint32_t *bucket = name_bucket(tree, tree->nodes[id].parent, nodes_name(tree, id));

	tree->nodes[id].next_by_name = *bucket;
	*bucket = id;
}

/* An entry of which no inode number is kept is in no chain: with very many of them it would be a long one. */
static void chain_inode(struct nodes *tree, uint32_t id)
{
	uint32_t *bucket = inode_bucket(tree, nodes_inode(tree, id));

	if (nodes_inode(tree, id) == 0)
		return;
	tree->nodes[id].next_by_inode = *bucket;
	*bucket = id;
}

static void unchain_name(struct nodes *tree, uint32_t id)
{
	uint32_t *at = name_bucket(tree, tree->nodes[id].parent, nodes_name(tree, id));

	while (*at != id)
		at = &tree->nodes[*at].next_by_name;
	*at = tree->nodes[id].next_by_name;
}

static void unchain_inode(struct nodes *tree, uint32_t id)
{
	uint32_t *at = inode_bucket(tree, nodes_inode(tree, id));

	if (nodes_inode(tree, id) == 0)
		return;
	while (*at != id)
		at = &tree->nodes[*at].next_by_inode;
	*at = tree->nodes[id].next_by_inode;
}

/* New tables, with room for `buckets`, for all that is in the tree. */
static int index_anew(struct nodes *tree, uint32_t buckets, struct error *err)
{
	uint32_t *by_name = malloc(buckets * sizeof(*by_name));
	uint32_t *by_inode = malloc(buckets * sizeof(*by_inode));

	if (!by_name || !by_inode) {
		free(by_name);
		free(by_inode);
		return error_memory(err);
	}
	free(tree->by_name);
	free(tree->by_inode);
	tree->by_name = by_name;
	tree->by_inode = by_inode;
	tree->buckets = buckets;
	memset(by_name, 0xff, buckets * sizeof(*by_name));
	memset(by_inode, 0xff, buckets * sizeof(*by_inode));
	for (uint32_t id = 0; id < tree->count; id++) {
		if (tree->nodes[id].name == NODE_NONE)
			continue; /* dropped */
		chain_name(tree, id);
		chain_inode(tree, id);
	}
	return 0;
}

static int grow_high(struct nodes *tree, uint32_t capacity, struct error *err)
{
	uint32_t *high = reallocarray(tree->inodes_high, capacity, sizeof(*high));

	if (!high)
		return error_memory(err);
	if (!tree->inodes_high)
		memset(high, 0, tree->count * sizeof(*high));
	tree->inodes_high = high;
	return 0;
}

static int grow_nodes(struct nodes *tree, struct error *err)
{
	uint32_t capacity = tree->capacity ? tree->capacity + tree->capacity / 2 : 256;
	struct node *nodes;

	if (tree->count >= MOST_NODES)
		return error_set(err, ERROR_FAILED, "the writable layer has too many entries");
	nodes = reallocarray(tree->nodes, capacity, sizeof(*nodes));
	if (!nodes)
		return error_memory(err);
	tree->nodes = nodes;
	if (tree->inodes_high && grow_high(tree, capacity, err) < 0)
		return -1;
	tree->capacity = capacity;
	if (tree->count / ENTRIES_A_BUCKET > tree->buckets)
		return index_anew(tree, 2 * tree->buckets, err);
	return 0;
}

static int add_name(struct nodes *tree, const char *name, uint32_t *at, struct error *err)
{
	size_t size = strlen(name) + 1;

	if (tree->names_length + size > tree->names_capacity) {
		size_t capacity = tree->names_capacity + tree->names_capacity / 2 + 4096;
		char *names = realloc(tree->names, capacity);

		if (!names)
			return error_memory(err);
		tree->names = names;
		tree->names_capacity = capacity;
	}
	if (tree->names_length + size >= NODE_NONE)
		return error_set(err, ERROR_FAILED, "the names in the writable layer are too long");
	*at = (uint32_t)tree->names_length;
	memcpy(tree->names + tree->names_length, name, size);
	tree->names_length += size;
	return 0;
}

static uint32_t take_node(struct nodes *tree, struct error *err)
{
	uint32_t id = tree->free;

	if (id != NODE_NONE) {
		tree->free = tree->nodes[id].next_sibling;
		return id;
	}
	if (tree->count == tree->capacity && grow_nodes(tree, err) < 0)
		return NODE_NONE;
	tree->nodes[tree->count].name = NODE_NONE;
	return tree->count++;
}

uint32_t nodes_add(struct nodes *tree, uint32_t parent, const char *name, struct error *err)
{
	uint32_t at = 0, id;

	if (add_name(tree, name, &at, err) < 0)
		return NODE_NONE;
	id = take_node(tree, err);
	if (id == NODE_NONE)
		return NODE_NONE;
	if (tree->inodes_high)
		tree->inodes_high[id] = 0;
	tree->nodes[id] = (struct node){
		.parent = parent,
		.first_child = NODE_NONE,
		.next_sibling = NODE_NONE,
		.name = at,
		.kind = NODE_GONE,
	};
	if (parent != NODE_NONE) {
		tree->nodes[id].next_sibling = tree->nodes[parent].first_child;
		tree->nodes[parent].first_child = id;
	}
	chain_name(tree, id);
	return id;
}

int nodes_begin(struct nodes *tree, struct error *err)
{
	*tree = (struct nodes){ .free = NODE_NONE };
	if (getrandom(&tree->seed, sizeof(tree->seed), 0) != sizeof(tree->seed))
		tree->seed = (uint64_t)clock_unix_ns();
	if (index_anew(tree, FIRST_BUCKETS, err) < 0 || nodes_add(tree, NODE_NONE, "", err) == NODE_NONE)
		return -1;
	tree->nodes[NODE_ROOT].kind = NODE_DIRECTORY;
	return 0;
}

void nodes_release(struct nodes *tree)
{
	free(tree->nodes);
	free(tree->inodes_high);
	free(tree->names);
	free(tree->by_name);
	free(tree->by_inode);
	*tree = (struct nodes){ 0 };
}

const char *nodes_name(const struct nodes *tree, uint32_t id)
{
	return tree->names + tree->nodes[id].name;
}

void nodes_add_path(const struct nodes *tree, uint32_t id, struct text *path)
{
	if (tree->nodes[id].parent != NODE_ROOT) {
		nodes_add_path(tree, tree->nodes[id].parent, path);
		text_add(path, "/");
	}
	text_add(path, nodes_name(tree, id));
}

const char *nodes_path(const struct nodes *tree, uint32_t id, char path[static PATH_MAX])
{
	size_t at = PATH_MAX - 1;

	path[at] = '\0';
	for (; id != NODE_ROOT; id = tree->nodes[id].parent) {
		const char *name = nodes_name(tree, id);
		size_t length = strlen(name);

		if (length + 1 > at)
			return NULL;
		if (path[at])
			path[--at] = '/';
		at -= length;
		memcpy(path + at, name, length);
	}
	return path[at] ? path + at : ".";
}

uint32_t nodes_find(const struct nodes *tree, uint32_t parent, const char *name)
{
	uint32_t id = *name_bucket(tree, parent, name);

	while (id != NODE_NONE && (tree->nodes[id].parent != parent || strcmp(nodes_name(tree, id), name) != 0))
		id = tree->nodes[id].next_by_name;
	return id;
}

/* Whether the number is that of an entry, and the entry has this name. */
static bool has_name(const struct nodes *tree, uint32_t id, uint32_t parent, const char *name)
{
	return id < tree->count && tree->nodes[id].name != NODE_NONE && tree->nodes[id].parent == parent &&
	       strcmp(nodes_name(tree, id), name) == 0;
}

uint32_t nodes_find_near(const struct nodes *tree, uint32_t parent, const char *name, uint32_t near)
{
	if (has_name(tree, near + 1, parent, name))
		return near + 1;
	if (has_name(tree, near - 1, parent, name))
		return near - 1;
	return nodes_find(tree, parent, name);
}

static uint32_t with_inode(const struct nodes *tree, uint32_t id, uint64_t inode)
{
	while (id != NODE_NONE && (nodes_inode(tree, id) != inode || tree->nodes[id].kind == NODE_GONE))
		id = tree->nodes[id].next_by_inode;
	return id;
}

uint32_t nodes_by_inode(const struct nodes *tree, uint64_t inode)
{
	return with_inode(tree, *inode_bucket(tree, inode), inode);
}

uint32_t nodes_next_by_inode(const struct nodes *tree, uint32_t id)
{
	return with_inode(tree, tree->nodes[id].next_by_inode, nodes_inode(tree, id));
}

static void set_inode(struct nodes *tree, uint32_t id, uint64_t inode)
{
	unchain_inode(tree, id);
	tree->nodes[id].inode_low = (uint32_t)inode;
	if (tree->inodes_high)
		tree->inodes_high[id] = (uint32_t)(inode >> 32);
	chain_inode(tree, id);
}

int nodes_set(struct nodes *tree, uint32_t id, const struct stat *status, struct error *err)
{
	enum node_kind kind = nodes_kind(status);
	uint64_t inode = kind == NODE_WHITEOUT ? 0 : status->st_ino;
	struct node *node = &tree->nodes[id];

	if (inode >> 32 && !tree->inodes_high && grow_high(tree, tree->capacity, err) < 0)
		return -1;
	if (nodes_inode(tree, id) != inode)
		set_inode(tree, id, inode);
	node->ctime_ns = nodes_ctime(status);
	node->kind = (uint8_t)kind;
	return 0;
}

void nodes_doubt_files(struct nodes *tree)
{
	for (uint32_t id = 0; id < tree->count; id++)
		if (tree->nodes[id].kind == NODE_REGULAR)
			tree->nodes[id].flags |= NODE_UNSURE;
}

static void drop(struct nodes *tree, uint32_t id)
{
	unchain_name(tree, id);
	unchain_inode(tree, id);
	tree->nodes[id].name = NODE_NONE;
	tree->nodes[id].kind = NODE_GONE;
	tree->nodes[id].flags = 0;
	tree->nodes[id].next_sibling = tree->free;
	tree->free = id;
}

/* Goes down to an entry with nothing in it, drops that, and begins again. Without recursion: trees may be deep. */
void nodes_drop_children(struct nodes *tree, uint32_t id)
{
	uint32_t at = id;

	for (;;) {
		uint32_t child = tree->nodes[at].first_child;

		if (child != NODE_NONE && tree->nodes[child].first_child != NODE_NONE) {
			at = child;
		} else if (child != NODE_NONE) {
			tree->nodes[at].first_child = tree->nodes[child].next_sibling;
			drop(tree, child);
		} else if (at == id) {
			return;
		} else {
			at = tree->nodes[at].parent;
		}
	}
}
