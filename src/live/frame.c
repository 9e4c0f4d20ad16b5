#include "live/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC)

int pass_list_add(struct pass_list *list, uint32_t id, struct error *err)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		uint32_t *ids = reallocarray(list->ids, capacity, sizeof(*ids));

		if (!ids)
			return error_memory(err);
		list->ids = ids;
		list->capacity = capacity;
	}
	list->ids[list->count++] = id;
	return 0;
}

bool pass_is_gone(int number)
{
	return number == ENOENT || number == ENOTDIR || number == ESTALE || number == ELOOP;
}

/* The entries from below the root down to `node`. */
static int list_ancestors(const struct pass *pass, uint32_t node, struct pass_list *list, struct error *err)
{
	for (; node != NODE_ROOT; node = nodes_node(pass->tree, node)->parent)
		if (pass_list_add(list, node, err) < 0)
			return -1;
	for (size_t i = 0; i < list->count / 2; i++) {
		uint32_t other = list->ids[list->count - 1 - i];

		list->ids[list->count - 1 - i] = list->ids[i];
		list->ids[i] = other;
	}
	return 0;
}

/* One level down; *fd becomes -1 when it is not there. */
static int step_down(int *fd, const char *name, struct error *err)
{
	int next = *fd >= 0 ? openat(*fd, name, OPEN_FOLDER) : -1;

	if (*fd < 0)
		return 0;
	if (next < 0 && !pass_is_gone(errno))
		return error_errno(err, ERROR_FAILED, errno, "cannot open the folder '%s'", name);
	close(*fd);
	*fd = next;
	return 0;
}

static int is_inode(int fd, uint64_t inode)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && status.st_ino == inode;
}

static int open_roots(struct pass *pass, struct pass_frame *frame, struct error *err)
{
	frame->upper = openat(pass->upper, ".", OPEN_FOLDER);
	frame->layer = pass->bare ? -1 : openat(pass->layer, ".", OPEN_FOLDER);
	if (frame->upper < 0 || (frame->layer < 0 && !pass->bare))
		return error_errno(err, ERROR_FAILED, errno, "cannot open the layer");
	return 0;
}

int frame_open(struct pass *pass, uint32_t node, struct pass_frame *frame, struct error *err)
{
	struct pass_list way = { 0 };
	int result;

	*frame = (struct pass_frame){ .node = node, .upper = -1, .layer = -1 };
	result = open_roots(pass, frame, err);
	if (result == 0)
		result = list_ancestors(pass, node, &way, err);
	for (size_t i = 0; i < way.count && result == 0 && frame->upper >= 0; i++) {
		const char *name = nodes_name(pass->tree, way.ids[i]);

		if (step_down(&frame->upper, name, err) < 0 || step_down(&frame->layer, name, err) < 0)
			result = -1;
	}
	free(way.ids);
	if (result == 0 && node != NODE_ROOT && !is_inode(frame->upper, nodes_inode(pass->tree, node)))
		result = 1;
	if (result != 0)
		frame_close(frame);
	return result;
}

void frame_close(struct pass_frame *frame)
{
	if (frame->upper >= 0)
		close(frame->upper);
	if (frame->layer >= 0)
		close(frame->layer);
	free(frame->folders.ids);
	free(frame->upper_handle);
	free(frame->layer_handle);
	*frame = (struct pass_frame){ .upper = -1, .layer = -1 };
}

/* Opens the folder in the new layer one level down, and makes it there first if it is not there: it is one that the
 * tip has too, so it is not opaque. */
static int need_folder(struct pass *pass, int *layer, uint32_t node, struct error *err)
{
	const char *name = nodes_name(pass->tree, node);
	int next = openat(*layer, name, OPEN_FOLDER);

	if (next < 0 && errno == ENOENT) {
		if (copier_make_folder(&pass->copier, *layer, name, false, err) < 0 ||
		    frame_is_due(pass, node, err) < 0 ||
		    frame_is_due(pass, nodes_node(pass->tree, node)->parent, err) < 0)
			return -1;
		nodes_node(pass->tree, node)->flags |= NODE_IN_LAYER;
		pass->copier.entries++;
		next = openat(*layer, name, OPEN_FOLDER);
	}
	if (next < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the copy of '%s'", name);
	close(*layer);
	*layer = next;
	return 0;
}

int frame_need_layer(struct pass *pass, struct pass_frame *frame, struct error *err)
{
	struct pass_list way = { 0 };
	cleanup_fd int layer = -1;
	int result;

	if (frame->layer >= 0 || pass->bare)
		return 0;
	layer = openat(pass->layer, ".", OPEN_FOLDER);
	if (layer < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the new layer");
	result = list_ancestors(pass, frame->node, &way, err);
	for (size_t i = 0; i < way.count && result == 0; i++)
		result = need_folder(pass, &layer, way.ids[i], err);
	free(way.ids);
	if (result == 0)
		frame->layer = steal_fd(&layer);
	return result;
}

int frame_is_due(struct pass *pass, uint32_t node, struct error *err)
{
	if (nodes_node(pass->tree, node)->flags & NODE_DUE)
		return 0;
	nodes_node(pass->tree, node)->flags |= NODE_DUE;
	return pass_list_add(&pass->due, node, err);
}

int frame_is_intruded(const char *name, struct error *err)
{
	error_set(err, ERROR_FAILED, "'%s' is changed from outside while all of it stands still", *name ? name : "/");
	return error_hint(err, "end what writes into it and is not in its control group; --stop saves it with a stop");
}

/* Its metadata, which may move meanwhile: then they show in the freeze. There only somebody from outside can move them. */
static int copy_metadata(struct pass *pass, const struct pass_frame *frame, struct error *err)
{
	int done = copier_finish_folder(&pass->copier, frame->upper, frame->layer, err);

	if (done == 0 && !pass->frozen)
		return moves_add(&pass->later, nodes_inode(pass->tree, frame->node), "", 0, err);
	for (int look = 1; look < MOST_LOOKS && done == 0; look++)
		done = copier_finish_folder(&pass->copier, frame->upper, frame->layer, err);
	if (done == 0)
		return frame_is_intruded(nodes_name(pass->tree, frame->node), err);
	return done < 0 ? -1 : 0;
}

int frame_finish(struct pass *pass, struct pass_frame *frame, struct error *err)
{
	struct node *node = nodes_node(pass->tree, frame->node);
	int64_t now_ns = clock_unix_ns();
	struct stat status;

	if (!(node->flags & NODE_DUE) || frame->upper < 0)
		return 0;
	if (frame_need_layer(pass, frame, err) < 0)
		return -1;
	if (fstat(frame->upper, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine a folder");
	nodes_node(pass->tree, frame->node)->flags &= (uint16_t) ~(NODE_DUE | NODE_YOUNG | NODE_UNSURE);
	if (nodes_set(pass->tree, frame->node, &status, err) < 0)
		return -1;
	if (nodes_ctime(&status) > now_ns - pass_grain_ns(nodes_ctime(&status)))
		nodes_node(pass->tree, frame->node)->flags |= NODE_YOUNG;
	return pass->bare ? 0 : copy_metadata(pass, frame, err);
}
