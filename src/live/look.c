/* What one name in the writable layer means for the new layer. */
#include "live/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/meter.h"
#include "base/text.h"
#include "layer/marks.h"
#include "layer/moved.h"
#include "live/same.h"
#include "live/stray.h"

static struct node *node_of(struct pass *pass, uint32_t id)
{
	return nodes_node(pass->tree, id);
}

static bool is_young(const struct pass *pass, const struct stat *status)
{
	return nodes_ctime(status) > pass->looked_ns - pass_grain_ns(nodes_ctime(status));
}

static bool is_covered(struct pass *pass, const struct pass_frame *frame)
{
	return node_of(pass, frame->node)->flags & NODE_COVERED;
}

static int not_fit(struct pass *pass, const char *name, struct error *err)
{
	pass->unfit = true;
	return error_set(err, ERROR_FAILED, "'%s' shows again what lies below the layers of live versions", name);
}

/*
 * Whether what the tip's whiteout or entry hid shows in the workspace again, though the writable layer has nothing
 * of that name: then no layer on the tip can say so. overlayfs itself never leaves that behind.
 */
static bool shows_from_below(struct pass *pass, const struct pass_frame *frame, uint32_t id)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	char buffer[PATH_MAX];
	const char *path = nodes_path(pass->tree, id, buffer);
	cleanup_fd int found = -1;
	struct stat status;

	if (!path)
		return false;
	found = (int)syscall(SYS_openat2, pass->merged, path, &how, sizeof(how));
	return found >= 0 && fstatat(frame->upper, nodes_name(pass->tree, id), &status, AT_SYMLINK_NOFOLLOW) < 0;
}

/* For a pass that only looks (pass_look): the first thing that would have to be done ends it, as an error. */
static int is_dry(const struct pass *pass, const char *name, struct error *err)
{
	return pass->dry ? error_set(err, ERROR_FAILED, "'%s' has changed", name) : 0;
}

/* While the workspace runs, the entry may be there for a moment only: it is judged in the freeze. Of the root the tree may not
 * know the inode yet. */
static int judge_later(struct pass *pass, const struct pass_frame *frame, const char *name, unsigned flags,
		       struct error *err)
{
	struct stat status;

	if (fstat(frame->upper, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine a folder");
	return moves_add(&pass->later, status.st_ino, name, flags, err) < 0 ? -1 : LOOK_DONE;
}

/* An entry that the tip shows just so. NULL: it hides what the writable layer does not have either. */
static int is_as_shown(struct pass *pass, uint32_t id, const struct stat *status, struct error *err)
{
	struct node *node = node_of(pass, id);

	node->kind = NODE_GONE;
	node->flags = NODE_TIP;
	if (!status)
		return LOOK_DONE;
	if (nodes_set(pass->tree, id, status, err) < 0)
		return -1;
	if (is_young(pass, status))
		node->flags |= NODE_YOUNG;
	return LOOK_DONE;
}

/* The writable layer has nothing of this name (any more). */
static int take_away(struct pass *pass, struct pass_frame *frame, uint32_t id, struct error *err)
{
	const char *name = nodes_name(pass->tree, id);
	struct node *node = node_of(pass, id);
	bool hide = (node->flags & NODE_TIP) && !is_covered(pass, frame);

	if (node->kind == NODE_GONE && (!hide || node->flags & NODE_IN_LAYER))
		return LOOK_DONE;
	if (is_dry(pass, name, err) < 0)
		return -1;
	if (hide && shows_from_below(pass, frame, id))
		return pass->frozen ? not_fit(pass, name, err) : judge_later(pass, frame, name, MOVE_CONTENT, err);
	if (node->flags & NODE_SHOWN && node->kind == NODE_WHITEOUT)
		return is_as_shown(pass, id, NULL, err);
	if (node->flags & NODE_IN_LAYER && copier_remove(frame->layer, name, err) < 0)
		return -1;
	nodes_drop_children(pass->tree, id);
	node->kind = NODE_GONE;
	node->flags &= NODE_TIP;
	if (hide) {
		if (frame_need_layer(pass, frame, err) < 0 ||
		    copier_put_whiteout(&pass->copier, frame->layer, name, err) < 0)
			return -1;
		node->flags |= NODE_IN_LAYER;
		pass->copier.entries++;
	}
	return frame_is_due(pass, frame->node, err) < 0 ? -1 : LOOK_DONE;
}

static uint16_t in_layer(const struct pass *pass)
{
	return pass->bare ? 0 : NODE_IN_LAYER;
}

/* When an inode was copied under one name, its other names are looked at as well. */
static int take_other_names(struct pass *pass, uint32_t id, struct error *err)
{
	uint32_t other = nodes_by_inode(pass->tree, nodes_inode(pass->tree, id));

	for (; other != NODE_NONE; other = nodes_next_by_inode(pass->tree, other))
		if (other != id && pass_list_add(&pass->again, other, err) < 0)
			return -1;
	return 0;
}

static int put(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status, struct error *err)
{
	const char *name = nodes_name(pass->tree, id);
	struct node *node = node_of(pass, id);
	bool there = node->flags & NODE_IN_LAYER && node->kind == NODE_REGULAR && S_ISREG(status->st_mode) &&
		     nodes_inode(pass->tree, id) == status->st_ino;

	if (pass->bare)
		return 1;
	if (frame_need_layer(pass, frame, err) < 0)
		return -1;
	if (node->flags & NODE_IN_LAYER && !there && copier_remove(frame->layer, name, err) < 0)
		return -1;
	if (nodes_kind(status) != NODE_WHITEOUT)
		return copier_put(&pass->copier, frame->upper, name, status, frame->layer, there, err);
	pass->copier.entries++;
	return copier_put_whiteout(&pass->copier, frame->layer, name, err) < 0 ? -1 : 1;
}

static int note_taken(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status,
		      struct error *err)
{
	struct node *node = node_of(pass, id);

	nodes_drop_children(pass->tree, id);
	if (nodes_set(pass->tree, id, status, err) < 0)
		return -1;
	node->flags = (node->flags & NODE_TIP) | in_layer(pass);
	if (is_young(pass, status))
		node->flags |= NODE_YOUNG;
	if (pass->copier.synced)
		node->flags |= NODE_SYNCED;
	if (frame_is_due(pass, frame->node, err) < 0)
		return -1;
	if (pass->copier.fresh && take_other_names(pass, id, err) < 0)
		return -1;
	return LOOK_DONE;
}

/*
 * It moved while it was copied, and is none of the new layer's for now. While the workspace runs an event tells of that; what
 * was only taken for moved shows in the freeze. There only somebody from outside can move it: it is looked at again.
 */
static int note_moved(struct pass *pass, struct pass_frame *frame, uint32_t id, struct error *err)
{
	struct node *node = node_of(pass, id);

	nodes_drop_children(pass->tree, id);
	node->flags &= (uint16_t)~NODE_IN_LAYER;
	node->kind = NODE_OTHER;
	if (pass->frozen)
		return LOOK_MOVED;
	if (judge_later(pass, frame, nodes_name(pass->tree, id), 0, err) < 0)
		return -1;
	return take_away(pass, frame, id, err);
}

static int take(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status, unsigned move,
		struct error *err)
{
	int done;

	if (is_dry(pass, nodes_name(pass->tree, id), err) < 0)
		return -1;
	pass->copier.fresh = false;
	/* Nothing else has pages, whatever had its name before. */
	pass->copier.sync = move & MOVE_MAPPED && S_ISREG(status->st_mode);
	pass->copier.synced = false;
	done = put(pass, frame, id, status, err);
	if (done < 0)
		return -1;
	return done > 0 ? note_taken(pass, frame, id, status, err) : note_moved(pass, frame, id, err);
}

static bool is_as_it_was(const struct pass *pass, uint32_t id, const struct stat *status, unsigned move)
{
	const struct node *node = nodes_node(pass->tree, id);

	if (node->kind == NODE_WHITEOUT && nodes_kind(status) == NODE_WHITEOUT)
		return true;
	if (node->kind != nodes_kind(status) || nodes_inode(pass->tree, id) != status->st_ino ||
	    node->ctime_ns != nodes_ctime(status))
		return false;
	if (move & MOVE_CONTENT || node->flags & (NODE_UNSURE | NODE_YOUNG))
		return false;
	if (move & MOVE_DIRECT && pass_may_land(pass, node->ctime_ns))
		return false;
	return !(move & MOVE_MAPPED) || pass_tells_stores(pass, id);
}

/* Its inode and times say that it is the tip's file, but something may have been written that shows in neither. */
static bool may_be_as_tip(struct pass *pass, const struct pass_frame *frame, uint32_t id, const struct stat *status,
			  unsigned move)
{
	const struct node *node = nodes_node(pass->tree, id);

	return pass->tip && !pass->dry && !(move & MOVE_CONTENT) && node->kind == NODE_REGULAR &&
	       S_ISREG(status->st_mode) && nodes_inode(pass->tree, id) == status->st_ino &&
	       node->ctime_ns == nodes_ctime(status) && node->flags & NODE_TIP && !is_covered(pass, frame) &&
	       !(node->flags & (NODE_IN_LAYER | NODE_YOUNG));
}

/* What is still under way to such a file may land later, without a new time. */
static int take_stray(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status,
		      struct error *err)
{
	int taken = take(pass, frame, id, status, MOVE_CONTENT | MOVE_MAPPED | MOVE_DIRECT, err);

	nodes_node(pass->tree, id)->flags |= NODE_UNSURE;
	return taken;
}

static int look_at_file(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status,
			unsigned move, struct error *err)
{
	if (stray_is(pass, status))
		return take_stray(pass, frame, id, status, err);
	if (nodes_node(pass->tree, id)->flags & NODE_SHOWN && !(move & MOVE_CONTENT) &&
	    same_as_tip(pass, frame, id, status))
		return is_as_shown(pass, id, status, err);
	if (is_as_it_was(pass, id, status, move))
		return LOOK_DONE;
	if (may_be_as_tip(pass, frame, id, status, move) && same_content_as_tip(pass, frame, id, status)) {
		nodes_node(pass->tree, id)->flags &= (uint16_t)~NODE_UNSURE;
		nodes_node(pass->tree, id)->flags |= NODE_SYNCED;
		return LOOK_DONE;
	}
	return take(pass, frame, id, status, move, err);
}

/* Whether overlayfs has marked the folder as opaque: 1, 0; -1. One that moves meanwhile is not. */
static int read_opaque(struct pass *pass, const struct pass_frame *frame, const char *name, const struct stat *status,
		       struct error *err)
{
	int opaque = marks_read_opaque(pass->copier.buffer, frame->upper, name, err);

	if (opaque >= 0)
		return opaque;
	if (err->kind == ERROR_REFUSED || pass->frozen || !entry_has_moved(frame->upper, name, status, err))
		return -1;
	error_clear(err);
	return 0;
}

/* A folder that was copied up and is not opaque shows what lies below; on top of a tip that has something else
 * there, no layer can say that. overlayfs itself never makes such a folder anew. */
static bool was_copied_up(const struct pass *pass, const struct pass_frame *frame, const char *name)
{
	bool users = pass->copier.buffer->marks == LAYER_MARKS_USER;
	cleanup_free char *path = text_format("/proc/self/fd/%d/%s", frame->upper, name);

	return path && lgetxattr(path, users ? "user.overlay.origin" : "trusted.overlay.origin", NULL, 0) >= 0;
}

static int take_folder(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status, bool opaque,
		       struct error *err)
{
	const char *name = nodes_name(pass->tree, id);
	struct node *node = node_of(pass, id);
	bool hides = (node->flags & NODE_TIP) && !is_covered(pass, frame);

	if (hides && !opaque && was_copied_up(pass, frame, name))
		return pass->frozen ? not_fit(pass, name, err) : judge_later(pass, frame, name, MOVE_CONTENT, err);
	if (frame_need_layer(pass, frame, err) < 0 ||
	    (node->flags & NODE_IN_LAYER && copier_remove(frame->layer, name, err) < 0))
		return -1;
	nodes_drop_children(pass->tree, id);
	if (!pass->bare && copier_make_folder(&pass->copier, frame->layer, name, opaque || hides, err) < 0)
		return -1;
	pass->copier.entries += !pass->bare;
	if (nodes_set(pass->tree, id, status, err) < 0)
		return -1;
	node->flags = (node->flags & NODE_TIP) | in_layer(pass) | NODE_COVERED | (opaque ? NODE_OPAQUE : 0);
	if (frame_is_due(pass, id, err) < 0 || frame_is_due(pass, frame->node, err) < 0)
		return -1;
	return LOOK_NEW_FOLDER;
}

/*
 * A folder as the tip shows it, looked at for the first time: what is in it can be compared where the two show the same of
 * what lies below, or nothing of it. One that is not opaque and was never copied up has nothing below it.
 */
static int look_at_shown_folder(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status,
				bool opaque, struct error *err)
{
	const char *name = nodes_name(pass->tree, id);
	struct node *node = node_of(pass, id);
	bool shows_opaque = node->flags & NODE_OPAQUE;
	bool same;

	if (node->kind != NODE_DIRECTORY || (opaque != shows_opaque && (opaque || was_copied_up(pass, frame, name))))
		return take_folder(pass, frame, id, status, opaque, err);
	same = same_as_tip(pass, frame, id, status);
	if (is_as_shown(pass, id, status, err) < 0)
		return -1;
	if (opaque)
		node->flags |= NODE_OPAQUE;
	/* Whoever looks at it, also beside the walk, has to look at what is in it. */
	return !same && frame_is_due(pass, id, err) < 0 ? -1 : LOOK_NEW_FOLDER;
}

static int look_at_folder(struct pass *pass, struct pass_frame *frame, uint32_t id, const struct stat *status,
			  unsigned move, struct error *err)
{
	const char *name = nodes_name(pass->tree, id);
	struct node *node = node_of(pass, id);
	bool known =
		node->kind == NODE_DIRECTORY && nodes_inode(pass->tree, id) == status->st_ino && !(move & MOVE_WHOLE);
	bool was_opaque = node->flags & NODE_OPAQUE;
	int opaque;

	if (known && node->ctime_ns == nodes_ctime(status) && !(node->flags & (NODE_UNSURE | NODE_YOUNG)) &&
	    !(move & MOVE_CONTENT))
		return LOOK_KNOWN_FOLDER;
	if (is_dry(pass, name, err) < 0)
		return -1;
	opaque = read_opaque(pass, frame, name, status, err);
	if (opaque < 0)
		return -1;
	if (node->flags & NODE_SHOWN && !(move & MOVE_WHOLE))
		return look_at_shown_folder(pass, frame, id, status, opaque, err);
	if (!known || opaque != was_opaque)
		return take_folder(pass, frame, id, status, opaque, err);
	node->flags &= (uint16_t) ~(NODE_UNSURE | NODE_YOUNG);
	return frame_is_due(pass, id, err) < 0 ? -1 : LOOK_KNOWN_FOLDER;
}

static int look_once(struct pass *pass, struct pass_frame *frame, const char *name, unsigned move, uint32_t *id,
		     struct error *err)
{
	struct stat status;

	*id = nodes_find_near(pass->tree, frame->node, name, frame->near);
	/* The mark is set before the entry is looked at, so that no change falls between the two. Again each time: another inode
	 * may have the name by now. */
	if (!pass->frozen)
		watch_file(pass->watch, frame->upper, name);
	pass->looked_ns = clock_unix_ns();
	if (fstatat(frame->upper, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
		if (!pass_is_gone(errno))
			return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", name);
		return *id == NODE_NONE ? LOOK_DONE : take_away(pass, frame, *id, err);
	}
	if (status.st_dev != pass->device)
		return error_set(err, ERROR_REFUSED, "'%s' lies on another filesystem than the layer", name);
	if (*id == NODE_NONE)
		*id = nodes_add(pass->tree, frame->node, name, err);
	if (*id == NODE_NONE)
		return -1;
	node_of(pass, *id)->seen = pass->number;
	frame->near = *id;
	return S_ISDIR(status.st_mode) ? look_at_folder(pass, frame, *id, &status, move, err)
				       : look_at_file(pass, frame, *id, &status, move, err);
}

int look_at(struct pass *pass, struct pass_frame *frame, const char *name, unsigned move, uint32_t *id,
	    struct error *err)
{
	int found = LOOK_MOVED;

	meter_add(1, 0);
	for (int look = 0; look < MOST_LOOKS && found == LOOK_MOVED; look++)
		found = look_once(pass, frame, name, move, id, err);
	return found == LOOK_MOVED ? frame_is_intruded(name, err) : found;
}
