/*
 * The file: a line of text, "wsnap-live-2 BOOT TIP\n"; then the entries, each folder's content behind it, as struct
 * index_entry, numbers in the host's order, and the name with its NUL; one of kind NODE_GONE at the end; a sum.
 */
#include "live/index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "live/pass.h"
#include "live/summed.h"

#define MAGIC "wsnap-live-2"

/* The flags that outlive a version. */
#define KEPT_FLAGS (NODE_OPAQUE | NODE_UNSURE)

struct index_entry {
	uint64_t inode;
	int64_t ctime_ns;
	uint32_t up; /* levels from the entry before to the folder that this one is in */
	uint16_t name_size;
	uint8_t kind, flags;
};

_Static_assert(sizeof(struct index_entry) == 24 && KEPT_FLAGS <= UINT8_MAX, "there are no gaps, and flags fit");

/* "MAGIC BOOT TIP\n"; the caller frees. */
static char *header_for(const char *tip)
{
	char boot[BOOT_ID_SIZE];

	boot_id(boot);
	return *boot ? text_format("%s %s %s\n", MAGIC, boot, tip) : NULL;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static void put_entry(struct summed *file, const struct nodes *tree, uint32_t id, uint32_t up, int64_t frozen_ns)
{
	const struct node *node = nodes_node(tree, id);
	const char *name = nodes_name(tree, id);
	struct index_entry entry = {
		.inode = nodes_inode(tree, id),
		.ctime_ns = node->ctime_ns,
		.up = up,
		.name_size = (uint16_t)(strlen(name) + 1),
		.kind = node->kind,
		.flags = node->flags & KEPT_FLAGS,
	};

	if (node->ctime_ns > frozen_ns - pass_grain_ns(node->ctime_ns))
		entry.flags |= NODE_UNSURE;
	summed_put(file, &entry, sizeof(entry));
	summed_put(file, name, entry.name_size);
}

/* The next one that is still there, from this one on. */
static uint32_t present(const struct nodes *tree, uint32_t id)
{
	while (id != NODE_NONE && nodes_node(tree, id)->kind == NODE_GONE)
		id = nodes_node(tree, id)->next_sibling;
	return id;
}

/* The first one in a folder, or else the next one behind it or a folder above: then *at is what that one is in. */
static uint32_t next_of(const struct nodes *tree, uint32_t *at, uint32_t *up)
{
	uint32_t next = nodes_node(tree, *at)->kind == NODE_DIRECTORY
				? present(tree, nodes_node(tree, *at)->first_child)
				: NODE_NONE;

	for (*up = 0; next == NODE_NONE && *at != NODE_ROOT; ++*up) {
		next = present(tree, nodes_node(tree, *at)->next_sibling);
		*at = nodes_node(tree, *at)->parent;
	}
	return next;
}

static void put_tree(struct summed *file, const struct nodes *tree, int64_t frozen_ns)
{
	const struct index_entry end = { .kind = NODE_GONE };
	uint32_t at = NODE_ROOT, up = 0, next;

	put_entry(file, tree, at, up, frozen_ns);
	while ((next = next_of(tree, &at, &up)) != NODE_NONE) {
		at = next;
		put_entry(file, tree, at, up, frozen_ns);
	}
	summed_put(file, &end, sizeof(end));
}

static int write_file(const char *path, const char *header, const struct nodes *tree, int64_t frozen_ns,
		      struct error *err)
{
	cleanup_summed struct summed file = { .fd = -1 };

	if (summed_create(&file, path) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write '%s'", path);
	summed_put(&file, header, strlen(header));
	put_tree(&file, tree, frozen_ns);
	if (summed_finish(&file) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write '%s'", path);
	return 0;
}

int index_save(const char *path, const char *tip, const struct nodes *tree, int64_t frozen_ns, struct error *err)
{
	cleanup_free char *header = header_for(tip);
	cleanup_free char *temporary = text_format("%s%s", path, FILE_REPLACE_SUFFIX);

	if (!header || !temporary)
		return error_memory(err);
	if (write_file(temporary, header, tree, frozen_ns, err) < 0) {
		unlink(temporary);
		return -1;
	}
	if (rename(temporary, path) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write '%s'", path);
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

#define BOOT_LENGTH 36

/* Whether it is the tip's. *same_boot: the host has not been started anew since it was written. */
static bool has_header(struct summed *file, const char *header, bool *same_boot)
{
	static const size_t boot = sizeof(MAGIC);
	char found[512];
	size_t length = strlen(header);

	if (length >= sizeof(found) || length < boot + BOOT_LENGTH)
		return false;
	summed_get(file, found, length);
	if (memcmp(found, header, boot) != 0)
		return false;
	*same_boot = memcmp(found + boot, header + boot, BOOT_LENGTH) == 0;
	return memcmp(found + boot + BOOT_LENGTH, header + boot + BOOT_LENGTH, length - boot - BOOT_LENGTH) == 0;
}

static bool is_possible(const struct index_entry *entry, bool first)
{
	return entry->kind <= NODE_OTHER && entry->name_size <= NAME_MAX + 1 &&
	       (first ? entry->name_size == 1 && entry->kind == NODE_DIRECTORY : entry->name_size > 1);
}

/* Into the folder `at`, or the root itself. Returns the entry, NODE_NONE without memory. */
static uint32_t get_entry(struct summed *file, const struct index_entry *entry, struct nodes *tree, uint32_t at,
			  struct error *err)
{
	char name[NAME_MAX + 1];
	struct stat status = { .st_ino = entry->kind == NODE_WHITEOUT ? 0 : entry->inode };
	uint32_t id;

	summed_get(file, name, entry->name_size);
	name[entry->name_size - 1] = '\0';
	id = at == NODE_NONE ? NODE_ROOT : nodes_add(tree, at, name, err);
	if (id == NODE_NONE || nodes_set(tree, id, &status, err) < 0)
		return NODE_NONE;
	nodes_node(tree, id)->kind = entry->kind;
	nodes_node(tree, id)->ctime_ns = entry->ctime_ns;
	nodes_node(tree, id)->flags = (entry->flags & KEPT_FLAGS) | NODE_SYNCED | (id == NODE_ROOT ? 0 : NODE_TIP);
	return id;
}

/* The folder so many levels above the entry; NODE_NONE: there are not so many, or it is no folder. */
static uint32_t folder_above(const struct nodes *tree, uint32_t at, uint32_t up)
{
	for (; up > 0 && at != NODE_NONE; up--)
		at = nodes_node(tree, at)->parent;
	return at != NODE_NONE && nodes_node(tree, at)->kind == NODE_DIRECTORY ? at : NODE_NONE;
}

/* 1, 0: it is damaged, -1. */
static int get_tree(struct summed *file, struct nodes *tree, struct error *err)
{
	uint32_t at = NODE_NONE;

	for (;;) {
		struct index_entry entry;
		bool first = at == NODE_NONE;

		summed_get(file, &entry, sizeof(entry));
		if (entry.kind == NODE_GONE)
			return !first;
		if (!first)
			at = folder_above(tree, at, entry.up);
		if (!is_possible(&entry, first) || (!first && at == NODE_NONE))
			return 0;
		at = get_entry(file, &entry, tree, at, err);
		if (at == NODE_NONE)
			return -1;
	}
}

static int read_file(const char *path, const char *header, struct nodes *tree, struct error *err)
{
	cleanup_summed struct summed file = { .fd = -1 };
	bool same_boot = false;
	int got;

	if (summed_open(&file, path) < 0) {
		log_detail("cannot read '%s': %s", path, strerror(errno));
		return 0;
	}
	if (!has_header(&file, header, &same_boot))
		return 0;
	got = get_tree(&file, tree, err);
	if (got <= 0)
		return got;
	/* After a power cut a file may hold what its times do not tell of. */
	if (!same_boot)
		nodes_doubt_files(tree);
	return summed_is_whole(&file);
}

int index_load(const char *path, const char *tip, struct nodes *tree, struct error *err)
{
	cleanup_free char *header = header_for(tip);
	int loaded = header ? read_file(path, header, tree, err) : error_memory(err);

	if (loaded != 0)
		return loaded;
	nodes_release(tree);
	return nodes_begin(tree, err);
}
