/*
 * The file: a line of text, "wsnap-live-1 BOOT TIP\n"; then the entries, each folder's content behind it, as bytes
 * { depth change, kind, flags }, numbers in the host's order, and the name with its NUL; at the end a sum.
 */
#include "live/index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "live/pass.h"

#define MAGIC "wsnap-live-1"

/* The flags that outlive a version. */
#define KEPT_FLAGS (NODE_OPAQUE | NODE_UNSURE)

enum { INDEX_END = 0, INDEX_ENTRY = 1, INDEX_UP = 2 };

struct index_entry {
	uint8_t mark, kind;
	uint16_t flags;
	uint16_t name_size;
	uint16_t unused;
	uint64_t inode;
	int64_t ctime_ns;
};

struct stream {
	FILE *file;
	uint64_t sum;
	bool failed;
};

static void add_sum(struct stream *stream, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		stream->sum = (stream->sum ^ at[i]) * 0x100000001b3u;
}

static void put(struct stream *stream, const void *bytes, size_t size)
{
	add_sum(stream, bytes, size);
	if (fwrite(bytes, 1, size, stream->file) != size)
		stream->failed = true;
}

static void get(struct stream *stream, void *bytes, size_t size)
{
	if (stream->failed || fread(bytes, 1, size, stream->file) != size) {
		stream->failed = true;
		memset(bytes, 0, size);
	}
	add_sum(stream, bytes, size);
}

/* "MAGIC BOOT TIP\n"; the caller frees. */
static char *header_for(const char *tip)
{
	cleanup_text struct text boot = { 0 };
	struct error ignored = { 0 };

	if (file_read_linked(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, &ignored) != 0)
		return NULL;
	boot.data[strcspn(boot.data, "\n")] = '\0';
	return text_format("%s %s %s\n", MAGIC, boot.data, tip);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static void put_entry(struct stream *stream, const struct nodes *tree, uint32_t id, int64_t frozen_ns)
{
	const struct node *node = nodes_node(tree, id);
	const char *name = nodes_name(tree, id);
	struct index_entry entry = {
		.mark = INDEX_ENTRY,
		.kind = node->kind,
		.flags = node->flags & KEPT_FLAGS,
		.name_size = (uint16_t)(strlen(name) + 1),
		.inode = nodes_inode(tree, id),
		.ctime_ns = node->ctime_ns,
	};

	if (node->ctime_ns > frozen_ns - PASS_GRAIN_NS)
		entry.flags |= NODE_UNSURE;
	put(stream, &entry, sizeof(entry));
	put(stream, name, entry.name_size);
}

/* The next one that is still there, from this one on. */
static uint32_t present(const struct nodes *tree, uint32_t id)
{
	while (id != NODE_NONE && nodes_node(tree, id)->kind == NODE_GONE)
		id = nodes_node(tree, id)->next_sibling;
	return id;
}

static void put_tree(struct stream *stream, const struct nodes *tree, int64_t frozen_ns)
{
	const struct index_entry up = { .mark = INDEX_UP }, end = { .mark = INDEX_END };
	uint32_t at = NODE_ROOT, next;

	put_entry(stream, tree, at, frozen_ns);
	for (;;) {
		next = present(tree, nodes_node(tree, at)->first_child);
		if (nodes_node(tree, at)->kind != NODE_DIRECTORY)
			next = NODE_NONE;
		while (next == NODE_NONE && at != NODE_ROOT) {
			/* Behind the content of an entry stands a mark for its end, also where it has none. */
			put(stream, &up, sizeof(up));
			next = present(tree, nodes_node(tree, at)->next_sibling);
			at = nodes_node(tree, at)->parent;
		}
		if (next == NODE_NONE)
			break;
		at = next;
		put_entry(stream, tree, at, frozen_ns);
	}
	put(stream, &end, sizeof(end));
}

static int write_file(const char *path, const char *header, const struct nodes *tree, int64_t frozen_ns,
		      struct error *err)
{
	cleanup_file FILE *file = fopen(path, "we");
	struct stream stream = { .file = file };
	uint64_t sum;

	if (!file)
		return error_errno(err, ERROR_FAILED, errno, "cannot write '%s'", path);
	put(&stream, header, strlen(header));
	put_tree(&stream, tree, frozen_ns);
	sum = stream.sum;
	put(&stream, &sum, sizeof(sum));
	if (stream.failed || fflush(file) != 0)
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
static bool has_header(struct stream *stream, const char *header, bool *same_boot)
{
	static const size_t boot = sizeof(MAGIC);
	char found[512];
	size_t length = strlen(header);

	if (length >= sizeof(found) || length < boot + BOOT_LENGTH)
		return false;
	get(stream, found, length);
	if (stream->failed || memcmp(found, header, boot) != 0)
		return false;
	*same_boot = memcmp(found + boot, header + boot, BOOT_LENGTH) == 0;
	return memcmp(found + boot + BOOT_LENGTH, header + boot + BOOT_LENGTH, length - boot - BOOT_LENGTH) == 0;
}

/* After a power cut a file may hold what its times do not tell of. */
static void doubt_files(struct nodes *tree)
{
	for (uint32_t id = 0; id < tree->count; id++)
		if (nodes_node(tree, id)->kind == NODE_REGULAR)
			nodes_node(tree, id)->flags |= NODE_UNSURE;
}

static bool is_possible(const struct index_entry *entry, bool first)
{
	return entry->kind > NODE_GONE && entry->kind <= NODE_OTHER && entry->name_size <= NAME_MAX + 1 &&
	       (first ? entry->name_size == 1 && entry->kind == NODE_DIRECTORY : entry->name_size > 1);
}

/* Into the folder `at`, or the root itself. Returns the entry, NODE_NONE on a failure. */
static uint32_t get_entry(struct stream *stream, const struct index_entry *entry, struct nodes *tree, uint32_t at,
			  struct error *err)
{
	bool first = at == NODE_NONE;
	char name[NAME_MAX + 1];
	struct stat status = { .st_ino = entry->inode };
	uint32_t id;

	if (!is_possible(entry, first)) {
		stream->failed = true;
		return NODE_NONE;
	}
	get(stream, name, entry->name_size);
	name[entry->name_size - 1] = '\0';
	id = first ? NODE_ROOT : nodes_add(tree, at, name, err);
	if (id == NODE_NONE)
		return NODE_NONE;
	if (nodes_set(tree, id, &status, err) < 0)
		return NODE_NONE;
	nodes_node(tree, id)->kind = entry->kind;
	nodes_node(tree, id)->ctime_ns = entry->ctime_ns;
	nodes_node(tree, id)->flags = (entry->flags & KEPT_FLAGS) | NODE_SYNCED | (first ? 0 : NODE_TIP);
	return id;
}

static int get_tree(struct stream *stream, struct nodes *tree, struct error *err)
{
	uint32_t at = NODE_NONE;

	for (;;) {
		struct index_entry entry;

		get(stream, &entry, sizeof(entry));
		if (stream->failed || entry.mark == INDEX_END)
			return 0;
		if (entry.mark == INDEX_UP && at != NODE_NONE && at != NODE_ROOT) {
			at = nodes_node(tree, at)->parent;
		} else if (entry.mark == INDEX_ENTRY) {
			at = get_entry(stream, &entry, tree, at, err);
			if (at == NODE_NONE)
				return stream->failed ? 0 : -1;
		} else {
			stream->failed = true;
		}
	}
}

static int read_file(const char *path, const char *header, struct nodes *tree, struct error *err)
{
	cleanup_file FILE *file = fopen(path, "re");
	struct stream stream = { .file = file };
	uint64_t sum, wanted;
	bool same_boot = false;

	if (!file) {
		log_detail("cannot read '%s': %s", path, strerror(errno));
		return 0;
	}
	if (!has_header(&stream, header, &same_boot))
		return 0;
	if (get_tree(&stream, tree, err) < 0)
		return -1;
	wanted = stream.sum;
	get(&stream, &sum, sizeof(sum));
	if (!same_boot)
		doubt_files(tree);
	return !stream.failed && sum == wanted;
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
