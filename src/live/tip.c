#include "live/tip.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "layer/listing.h"
#include "layer/marks.h"
#include "layer/walk.h"

static int open_layers(struct tip *tip, struct error *err)
{
	tip->open = -1;
	if (tip->find(&tip->layers, tip->context, err) < 0)
		return -1;
	tip->folders = calloc(tip->layers.count + 1, sizeof(*tip->folders));
	if (!tip->folders)
		return error_memory(err);
	for (size_t i = 0; i < tip->layers.count; i++)
		tip->folders[i] = -1;
	for (size_t i = 0; i < tip->layers.count; i++) {
		tip->folders[i] = open(tip->layers.items[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (tip->folders[i] < 0)
			return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", tip->layers.items[i]);
	}
	return 0;
}

bool tip_open(struct tip *tip)
{
	struct error why = { 0 };

	if (tip->asked || !tip->find)
		return tip->layers.count > 0;
	tip->asked = true;
	if (open_layers(tip, &why) == 0)
		return tip->layers.count > 0;
	log_detail("nothing can be compared with the version before: %s", why.message);
	tip_release(tip);
	return false;
}

void tip_release(struct tip *tip)
{
	if (!tip->asked)
		return;
	for (size_t i = 0; tip->folders && i < tip->layers.count; i++)
		if (tip->folders[i] >= 0)
			close(tip->folders[i]);
	free(steal_pointer(tip->folders));
	layer_paths_free(&tip->layers);
	if (tip->open >= 0)
		close(tip->open);
	tip->open = -1;
	inodes_release(&tip->ours);
	inodes_release(&tip->theirs);
}

/* --- one entry ---------------------------------------------------------------------------------------------- */

int tip_folder(struct tip *tip, const struct nodes *tree, uint32_t folder, size_t layer)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	char buffer[PATH_MAX];
	const char *path;

	if (tip->open >= 0 && tip->folder == folder && tip->layer == layer)
		return tip->open;
	if (tip->open >= 0)
		close(tip->open);
	tip->open = -1;
	path = nodes_path(tree, folder, buffer);
	errno = ENAMETOOLONG;
	if (path && layer < tip->layers.count)
		tip->open = (int)syscall(SYS_openat2, tip->folders[layer], path, &how, sizeof(how));
	tip->folder = folder;
	tip->layer = layer;
	return tip->open;
}

/* Whether the two have met before, or neither has. */
static bool is_pair(struct inodes *inodes, const struct stat *one, const struct stat *other)
{
	struct inode *known = inodes_find(inodes, one);
	struct error ignored = { 0 };

	if (!known) {
		if (inodes_add(inodes, one, NULL, &ignored) < 0)
			return false;
		known = inodes_find(inodes, one);
		known->time = (int64_t)other->st_ino;
	}
	return known->time == (int64_t)other->st_ino;
}

bool tip_pairs(struct tip *tip, const struct stat *ours, const struct stat *theirs)
{
	return ours->st_nlink == theirs->st_nlink && ours->st_dev == theirs->st_dev &&
	       (ours->st_nlink == 1 || (is_pair(&tip->ours, ours, theirs) && is_pair(&tip->theirs, theirs, ours)));
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

struct load {
	struct walk walk; /* over one layer; each frame knows its folder's entry */
	struct nodes *tree;
	struct xattrs_buffer *buffer;
	size_t layer;
};

static uint32_t add_shown(struct load *load, uint32_t folder, const struct entry *entry, struct error *err)
{
	uint32_t id = nodes_add(load->tree, folder, entry->name, err);

	if (id == NODE_NONE)
		return NODE_NONE;
	nodes_node(load->tree, id)->kind = (uint8_t)nodes_kind_of(entry->kind);
	nodes_node(load->tree, id)->flags = NODE_TIP | NODE_SHOWN;
	nodes_node(load->tree, id)->ctime_ns = (int64_t)load->layer;
	return id;
}

/* The layer's folder is to be walked as well; it may hide those below it. */
static int go_down(struct load *load, struct walk_frame *frame, uint32_t id, const char *name, struct error *err)
{
	int opaque = marks_read_opaque(load->buffer, frame->places[0].fd, name, err);
	struct name_entry *child;

	if (opaque < 0)
		return -1;
	if (opaque)
		nodes_node(load->tree, id)->flags |= NODE_OPAQUE;
	child = names_add(&frame->names, name, err);
	return child ? names_add_place(child, 0, err) : -1;
}

/* Newer layers have been met before: what they have under the name hides this one, but for folders in folders. Whatever else
 * there is below a folder hides what is below that. */
static int load_entry(struct load *load, struct walk_frame *frame, const struct entry *entry, struct error *err)
{
	uint32_t folder = frame->split[0];
	uint32_t id = nodes_find(load->tree, folder, entry->name);
	const struct node *known = id == NODE_NONE ? NULL : nodes_node(load->tree, id);

	if (known && (known->kind != NODE_DIRECTORY || known->flags & NODE_OPAQUE))
		return 0;
	if (known && entry->kind != ENTRY_DIRECTORY) {
		nodes_node(load->tree, id)->flags |= NODE_OPAQUE;
		return 0;
	}
	if (!known)
		id = add_shown(load, folder, entry, err);
	if (id == NODE_NONE)
		return -1;
	return entry->kind == ENTRY_DIRECTORY ? go_down(load, frame, id, entry->name, err) : 0;
}

static int load_folder(struct load *load, uint32_t folder, struct error *err)
{
	struct walk_frame *frame = walk_top(&load->walk);
	struct listing listing;
	struct entry entry;
	int more;

	frame->split[0] = folder;
	listing_begin(&listing, frame->places[0].fd);
	while ((more = listing_next(&listing, &entry, err)) > 0)
		if (load_entry(load, frame, &entry, err) < 0)
			return -1;
	return more;
}

static int load_layer(struct load *load, const char *path, struct error *err)
{
	struct walk_frame *frame;

	if (walk_begin(&load->walk, &path, 1, err) < 0 || load_folder(load, NODE_ROOT, err) < 0)
		return -1;
	while ((frame = walk_top(&load->walk))) {
		cleanup_name_entry struct name_entry *child = names_take_directory(&frame->names);
		uint32_t id = child ? nodes_find(load->tree, frame->split[0], child->name) : NODE_NONE;

		if (!child && walk_leave(&load->walk, err) < 0)
			return -1;
		if (child && (walk_enter(&load->walk, child, err) < 0 || load_folder(load, id, err) < 0))
			return -1;
	}
	return 0;
}

static int load_layers(struct load *load, const struct layer_paths *layers, struct error *err)
{
	int loaded = 0;

	for (; load->layer < layers->count && loaded == 0; load->layer++) {
		loaded = load_layer(load, layers->items[load->layer], err);
		walk_release(&load->walk);
	}
	return loaded;
}

int tip_load(struct tip *tip, enum layer_marks marks, struct nodes *tree, struct error *err)
{
	cleanup_free struct xattrs_buffer *buffer = malloc(sizeof(*buffer));
	struct load load = { .tree = tree, .buffer = buffer };
	struct error why = { 0 };

	if (!buffer)
		return error_memory(err);
	buffer->marks = marks;
	if (!tip_open(tip))
		return 0;
	if (load_layers(&load, &tip->layers, &why) == 0)
		return 1;
	log_detail("nothing can be compared with the version before: %s", why.message);
	nodes_release(tree);
	return nodes_begin(tree, err);
}
