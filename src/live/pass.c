#include "live/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/handle.h"
#include "layer/listing.h"
#include "live/frame.h"
#include "live/order.h"

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC)

/* Levels of a walk whose folders are open. */
#define MOST_OPEN 100

/* tmpfs never writes a page back, so none is ever protected: whoever has a file mapped may store to it at any time, and no time
 * of the file tells of that. */
static bool maps_show(int upper)
{
	struct statfs status;

	return fstatfs(upper, &status) == 0 && status.f_type != TMPFS_MAGIC;
}

int pass_begin(struct pass *pass, enum layer_marks marks, struct nodes *tree, struct watch *watch, int upper, int layer,
	       int merged, struct error *err)
{
	struct stat status;

	*pass = (struct pass){ .tree = tree, .watch = watch, .upper = upper, .layer = layer, .merged = merged };
	pass->bare = layer < 0;
	pass->landing_ns = PASS_LANDING_NS;
	if (fstat(upper, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine the writable layer");
	pass->device = status.st_dev;
	pass->maps_show = maps_show(upper);
	if (!pass->maps_show)
		nodes_doubt_files(tree);
	return copier_begin(&pass->copier, marks, layer, err);
}

static void pop(struct pass *pass)
{
	frame_close(&pass->frames[--pass->depth]);
}

void pass_release(struct pass *pass)
{
	while (pass->depth > 0)
		pop(pass);
	free(pass->frames);
	free(pass->strays);
	moves_release(&pass->later);
	free(pass->due.ids);
	free(pass->again.ids);
	copier_release(&pass->copier);
	*pass = (struct pass){ 0 };
}

static int push(struct pass *pass, const struct pass_frame *frame, struct error *err)
{
	if (pass->depth == pass->capacity) {
		size_t capacity = pass->capacity ? 2 * pass->capacity : 32;
		struct pass_frame *frames = reallocarray(pass->frames, capacity, sizeof(*frames));

		if (!frames)
			return error_memory(err);
		pass->frames = frames;
		pass->capacity = capacity;
	}
	pass->frames[pass->depth++] = *frame;
	return 0;
}

static struct pass_frame *top(struct pass *pass)
{
	return &pass->frames[pass->depth - 1];
}

/* --- deep trees: folders in the middle are closed, and found again by their handles -------------------------- */

static int park(struct pass_frame *frame, struct error *err)
{
	frame->upper_handle = frame->upper >= 0 ? handle_of(frame->upper, "") : NULL;
	frame->layer_handle = frame->layer >= 0 ? handle_of(frame->layer, "") : NULL;
	if ((frame->upper >= 0 && !frame->upper_handle) || (frame->layer >= 0 && !frame->layer_handle))
		return error_errno(err, ERROR_FAILED, errno, "the tree is too deep");
	if (frame->upper >= 0)
		close(frame->upper);
	if (frame->layer >= 0)
		close(frame->layer);
	frame->upper = frame->layer = -1;
	return 0;
}

/* A folder of the writable layer may be gone by now. One of the new layer that was not there when the frame was
 * parked may be there now. */
static int unpark(struct pass *pass, struct pass_frame *frame, struct error *err)
{
	if (frame->upper_handle) {
		frame->upper = handle_open(pass->upper, frame->upper_handle, OPEN_FOLDER);
		if (frame->upper < 0 && !pass_is_gone(errno))
			return error_errno(err, ERROR_FAILED, errno, "cannot open a folder again");
	}
	if (frame->layer_handle) {
		frame->layer = handle_open(pass->layer, frame->layer_handle, OPEN_FOLDER);
		if (frame->layer < 0)
			return error_errno(err, ERROR_FAILED, errno, "cannot open a folder of the new layer again");
	}
	free(steal_pointer(frame->upper_handle));
	free(steal_pointer(frame->layer_handle));
	return 0;
}

static int keep_budget(struct pass *pass, struct error *err)
{
	while (pass->depth - pass->parked > MOST_OPEN)
		if (park(&pass->frames[pass->parked++], err) < 0)
			return -1;
	return 0;
}

/* --- the walk ----------------------------------------------------------------------------------------------- */

static int look_in_walk(struct pass *pass, struct pass_frame *frame, const char *name, struct error *err)
{
	uint32_t id;
	int found = look_at(pass, frame, name, 0, &id, err);

	if (found == LOOK_KNOWN_FOLDER || found == LOOK_NEW_FOLDER)
		return pass_list_add(&frame->folders, id, err);
	return found;
}

static int look_at_missing(struct pass *pass, struct pass_frame *frame, struct error *err)
{
	uint32_t child = nodes_node(pass->tree, frame->node)->first_child;

	for (; child != NODE_NONE; child = nodes_node(pass->tree, child)->next_sibling)
		if (nodes_node(pass->tree, child)->seen != pass->number &&
		    look_in_walk(pass, frame, nodes_name(pass->tree, child), err) < 0)
			return -1;
	return 0;
}

static bool has_new_time(const struct pass *pass, const struct pass_frame *frame)
{
	struct stat status;

	return fstat(frame->upper, &status) == 0 &&
	       nodes_node(pass->tree, frame->node)->ctime_ns != nodes_ctime(&status);
}

/* Its own times were looked at when the folder above it was listed: whatever came and went before its mark is told by them. */
static int begin_watching(struct pass *pass, struct pass_frame *frame, struct error *err)
{
	if (pass->frozen)
		return 0;
	watch_folder(pass->watch, frame->upper);
	return has_new_time(pass, frame) ? frame_is_due(pass, frame->node, err) : 0;
}

/* A folder that was removed while it is listed has nothing any more; its own folder tells of that. */
static bool was_removed(const struct pass_frame *frame)
{
	struct stat status;

	return fstat(frame->upper, &status) < 0 || status.st_nlink == 0;
}

static int list_frame(struct pass *pass, struct pass_frame *frame, struct error *err)
{
	struct listing listing;
	struct entry entry;
	cleanup_fd int folder = -1;
	int more;

	frame->listed = true;
	if (begin_watching(pass, frame, err) < 0)
		return -1;
	/* btrfs lists what was there when the folder was opened: that must be after the mark. */
	folder = openat(frame->upper, ".", OPEN_FOLDER);
	if (folder < 0)
		return was_removed(frame) ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot open a folder");
	listing_begin(&listing, folder);
	while ((more = listing_next(&listing, &entry, err)) > 0)
		if (look_in_walk(pass, frame, entry.name, err) < 0)
			return -1;
	if (more == 0)
		return look_at_missing(pass, frame, err);
	if (!was_removed(frame))
		return -1;
	error_clear(err);
	return 0;
}

static bool is_folder(int fd, uint64_t inode)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_ino == inode;
}

/* A folder that is another one by now, or gone, is left to the watch or to the walk in the freeze. */
static int enter(struct pass *pass, uint32_t id, struct error *err)
{
	const struct pass_frame *above = top(pass);
	const struct node *node = nodes_node(pass->tree, id);
	struct pass_frame frame = { .node = id, .upper = -1, .layer = -1 };

	if (node->kind != NODE_DIRECTORY || above->upper < 0)
		return 0;
	frame.upper = openat(above->upper, nodes_name(pass->tree, id), OPEN_FOLDER);
	if (frame.upper < 0 && !pass_is_gone(errno))
		return error_errno(err, ERROR_FAILED, errno, "cannot open the folder '%s'", nodes_name(pass->tree, id));
	if (frame.upper < 0 || !is_folder(frame.upper, nodes_inode(pass->tree, id))) {
		frame_close(&frame);
		return 0;
	}
	if (above->layer >= 0 && node->flags & NODE_IN_LAYER)
		frame.layer = openat(above->layer, nodes_name(pass->tree, id), OPEN_FOLDER);
	if (push(pass, &frame, err) == 0)
		return keep_budget(pass, err);
	frame_close(&frame);
	return -1;
}

static int leave(struct pass *pass, struct error *err)
{
	if (frame_finish(pass, top(pass), err) < 0)
		return -1;
	pop(pass);
	if (pass->depth == 0 || pass->parked < pass->depth)
		return 0;
	pass->parked--;
	return unpark(pass, top(pass), err);
}

static int walk_from(struct pass *pass, const struct pass_frame *frame, struct error *err)
{
	if (push(pass, frame, err) < 0)
		return -1;
	while (pass->depth > 0) {
		struct pass_frame *at = top(pass);
		int result;

		if (!at->listed)
			result = list_frame(pass, at, err);
		else if (at->next < at->folders.count)
			result = enter(pass, at->folders.ids[at->next++], err);
		else
			result = leave(pass, err);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int walk_below(struct pass *pass, uint32_t id, struct error *err)
{
	struct pass_frame frame;
	int opened = frame_open(pass, id, &frame, err);

	return opened == 0 ? walk_from(pass, &frame, err) : opened < 0 ? -1 : 0;
}

/* --- the end of each pass ----------------------------------------------------------------------------------- */

static int look_again(struct pass *pass, uint32_t id, struct error *err)
{
	struct pass_frame frame;
	uint32_t found;
	int result;

	if (nodes_node(pass->tree, id)->kind == NODE_GONE)
		return 0;
	result = frame_open(pass, nodes_node(pass->tree, id)->parent, &frame, err);
	if (result != 0)
		return result < 0 ? -1 : 0;
	result = look_at(pass, &frame, nodes_name(pass->tree, id), MOVE_CONTENT, &found, err);
	frame_close(&frame);
	return result < 0 ? -1 : result == LOOK_NEW_FOLDER ? walk_below(pass, found, err) : 0;
}

static int finish_due(struct pass *pass, struct error *err)
{
	for (size_t i = 0; i < pass->due.count; i++) {
		uint32_t id = pass->due.ids[i];
		struct pass_frame frame;
		int result;

		if (!(nodes_node(pass->tree, id)->flags & NODE_DUE) || nodes_node(pass->tree, id)->kind == NODE_GONE)
			continue;
		result = frame_open(pass, id, &frame, err);
		if (result == 0) {
			result = frame_finish(pass, &frame, err);
			frame_close(&frame);
		}
		if (result < 0)
			return -1;
		/* Also where the folder is gone: if it comes back, all of it is copied anew. */
		nodes_node(pass->tree, id)->flags &= (uint16_t)~NODE_DUE;
	}
	pass->due.count = 0;
	return 0;
}

/* Looking at an entry again may add others to the list, and making a folder in the new layer makes the folders above
 * it due. Both lists grow at their ends, so going along them once reaches all. */
static int finish(struct pass *pass, struct error *err)
{
	for (size_t i = 0; i < pass->again.count; i++)
		if (look_again(pass, pass->again.ids[i], err) < 0)
			return -1;
	pass->again.count = 0;
	return finish_due(pass, err);
}

/* Numbers come again after 255 passes: then nothing counts as seen, lest an old look is taken for one of this pass. */
static void next_number(struct pass *pass)
{
	pass->copier.round++;
	pass->copier.frozen = pass->frozen;
	if (++pass->number != 0)
		return;
	pass->number = 1;
	for (uint32_t id = 0; id < pass->tree->count; id++)
		nodes_node(pass->tree, id)->seen = 0;
}

int pass_walk(struct pass *pass, struct error *err)
{
	next_number(pass);
	if (frame_is_due(pass, NODE_ROOT, err) < 0 || walk_below(pass, NODE_ROOT, err) < 0)
		return -1;
	return finish(pass, err);
}

/* An entry that came and went again between two looks has changed the times of its folder all the same. */
static int note_times(struct pass *pass, const struct pass_frame *frame, struct error *err)
{
	if (!has_new_time(pass, frame) && !(nodes_node(pass->tree, frame->node)->flags & NODE_YOUNG))
		return 0;
	return frame_is_due(pass, frame->node, err);
}

/* In one folder that has the inode number. */
static int apply_at(struct pass *pass, uint32_t folder, const char *name, unsigned flags, struct error *err)
{
	uint32_t id = *name ? nodes_find(pass->tree, folder, name) : NODE_NONE;
	struct pass_frame frame;
	int result;

	if (!*name)
		return frame_is_due(pass, folder, err);
	if (id != NODE_NONE && nodes_node(pass->tree, id)->seen == pass->number)
		return 0; /* since then */
	result = frame_open(pass, folder, &frame, err);
	if (result != 0)
		return result < 0 ? -1 : 0;
	result = note_times(pass, &frame, err);
	if (result == 0)
		result = look_at(pass, &frame, name, flags, &id, err);
	frame_close(&frame);
	return result < 0 ? -1 : result == LOOK_NEW_FOLDER ? walk_below(pass, id, err) : 0;
}

/* Under all its names, as far as they have not been looked at since. */
static int apply_to_inode(struct pass *pass, uint64_t inode, struct error *err)
{
	uint32_t id = nodes_by_inode(pass->tree, inode);

	for (; id != NODE_NONE; id = nodes_next_by_inode(pass->tree, id)) {
		const struct node *node = nodes_node(pass->tree, id);

		if (node->kind != NODE_DIRECTORY && node->kind != NODE_WHITEOUT && node->seen != pass->number &&
		    pass_list_add(&pass->again, id, err) < 0)
			return -1;
	}
	return 0;
}

/* Looking may drop entries and add others: the folders are gathered first. */
static int apply(struct pass *pass, uint64_t inode, const char *name, unsigned flags, struct error *err)
{
	struct pass_list folders = { 0 };
	uint32_t id = nodes_by_inode(pass->tree, inode);
	int result = 0;

	if (strcmp(name, MOVES_INODE) == 0)
		return apply_to_inode(pass, inode, err);
	for (; id != NODE_NONE && result == 0; id = nodes_next_by_inode(pass->tree, id))
		if (nodes_node(pass->tree, id)->kind == NODE_DIRECTORY)
			result = pass_list_add(&folders, id, err);
	for (size_t i = 0; i < folders.count && result == 0; i++) {
		const struct node *node = nodes_node(pass->tree, folders.ids[i]);

		if (node->kind == NODE_DIRECTORY && nodes_inode(pass->tree, folders.ids[i]) == inode)
			result = apply_at(pass, folders.ids[i], name, flags, err);
	}
	free(folders.ids);
	return result;
}

static int apply_all(struct pass *pass, const struct moves *moves, struct error *err)
{
	cleanup_free uint32_t *order = NULL;

	if (order_moves(pass->tree, moves, &order, err) < 0)
		return -1;
	for (uint32_t i = 0; i < moves->count; i++) {
		const struct move *move = &moves->items[order[i]];

		if (apply(pass, move->folder, moves_name(moves, order[i]), move->flags, err) < 0)
			return -1;
	}
	return 0;
}

int pass_look(struct pass *pass, struct error *err)
{
	const struct node *root = nodes_node(pass->tree, NODE_ROOT);
	struct stat status;

	pass->dry = true;
	pass->frozen = true;
	next_number(pass);
	if (fstat(pass->upper, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine the writable layer");
	if (nodes_ctime(&status) != root->ctime_ns || root->flags & (NODE_UNSURE | NODE_YOUNG))
		return error_set(err, ERROR_FAILED, "its root has changed");
	return walk_below(pass, NODE_ROOT, err);
}

int pass_apply(struct pass *pass, const struct moves *moves, struct error *err)
{
	next_number(pass);
	if (apply_all(pass, moves, err) < 0 || (pass->frozen && apply_all(pass, &pass->later, err) < 0))
		return -1;
	/* Of a rename that failed nothing tells, and ext4 gives the folder new times for it (ext4_resetent() in fs/ext4/namei.c).
	 * Those of the root are looked at for that; other folders have theirs from the next version on. */
	if (pass->frozen && frame_is_due(pass, NODE_ROOT, err) < 0)
		return -1;
	return finish(pass, err);
}

/* Whether it may be stored or written to without a new ctime, as the flags say. */
static bool may_change_unseen(const struct pass *pass, uint32_t id, unsigned flags)
{
	return (flags & MOVE_MAPPED && !pass_tells_stores(pass, id)) ||
	       (flags & MOVE_DIRECT && pass_may_land(pass, nodes_node(pass->tree, id)->ctime_ns));
}

void pass_note_unsure(struct pass *pass, const struct moves *moves)
{
	for (uint32_t i = 0; i < moves->count; i++) {
		unsigned flags = moves->items[i].flags;
		uint32_t folder = nodes_by_inode(pass->tree, moves->items[i].folder);

		if (!(flags & (MOVE_MAPPED | MOVE_DIRECT)))
			continue;
		for (; folder != NODE_NONE; folder = nodes_next_by_inode(pass->tree, folder)) {
			uint32_t id = nodes_find(pass->tree, folder, moves_name(moves, i));

			if (id != NODE_NONE && may_change_unseen(pass, id, flags))
				nodes_node(pass->tree, id)->flags |= NODE_UNSURE;
		}
	}
}

void pass_note_landing(struct pass *pass)
{
	for (uint32_t id = 0; id < pass->tree->count; id++)
		if (nodes_node(pass->tree, id)->kind == NODE_REGULAR &&
		    pass_may_land(pass, nodes_node(pass->tree, id)->ctime_ns))
			nodes_node(pass->tree, id)->flags |= NODE_UNSURE;
}
