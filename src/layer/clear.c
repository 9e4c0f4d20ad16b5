#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/listing.h"
#include "layer/walk.h"

/* Removes all but the directories of the top frame, and gathers those. */
static int clear_top(struct walk *walk, struct error *err)
{
	struct walk_frame *frame = walk_top(walk);
	int dir = frame->places[0].fd;
	struct listing listing;
	struct entry entry;
	int more;

	listing_begin(&listing, dir);
	while ((more = listing_next(&listing, &entry, err)) > 0) {
		if (entry.kind == ENTRY_DIRECTORY) {
			struct name_entry *child = names_add(&frame->names, entry.name, err);

			if (!child || names_add_place(child, 0, err) < 0)
				return -1;
		} else if (unlinkat(dir, entry.name, 0) < 0) {
			return error_errno(err, ERROR_FAILED, errno, "cannot remove '%s'", entry.name);
		}
	}
	return more;
}

/* Goes back up and removes the directory that was just emptied; the root stays. */
static int leave_empty(struct walk *walk, struct error *err)
{
	cleanup_free char *name = steal_pointer(walk_top(walk)->name);
	const struct walk_frame *frame;

	if (walk_leave(walk, err) < 0)
		return -1;
	frame = walk_top(walk);
	if (frame && unlinkat(frame->places[0].fd, name, AT_REMOVEDIR) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot remove '%s'", name);
	return 0;
}

static int clear_all(struct walk *walk, struct error *err)
{
	struct walk_frame *frame;

	if (clear_top(walk, err) < 0)
		return -1;
	while ((frame = walk_top(walk))) {
		cleanup_name_entry struct name_entry *child = names_take_directory(&frame->names);

		if (!child) {
			if (leave_empty(walk, err) < 0)
				return -1;
		} else if (walk_enter(walk, child, err) < 0 || clear_top(walk, err) < 0) {
			return -1;
		}
	}
	return 0;
}

int layer_clear(const char *directory, struct error *err)
{
	cleanup_walk struct walk walk = { 0 };

	if (walk_begin(&walk, &directory, 1, err) < 0)
		return error_wrap(err, "cannot clear '%s'", directory);
	if (clear_all(&walk, err) < 0) {
		walk_wrap(&walk, err);
		return error_wrap(err, "cannot clear '%s'", directory);
	}
	return 0;
}
