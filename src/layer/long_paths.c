/* Whether a tree is so deep that programs which name its entries by their whole path cannot reach all of them. */
#include "layer/layer.h"

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "layer/listing.h"
#include "layer/walk.h"

/* The length of a frame's path is in its flags. 1: an entry's path is too long, 0, -1. */
static int look_at_top(struct walk *walk, struct error *err)
{
	struct walk_frame *frame = walk_top(walk);
	struct listing listing;
	struct entry entry;
	int more;

	listing_begin(&listing, frame->places[0].fd);
	while ((more = listing_next(&listing, &entry, err)) > 0) {
		struct name_entry *child;

		if (frame->flags + 1 + strlen(entry.name) >= PATH_MAX)
			return 1;
		if (entry.kind != ENTRY_DIRECTORY)
			continue;
		child = names_add(&frame->names, entry.name, err);
		if (!child || names_add_place(child, 0, err) < 0)
			return -1;
	}
	return more;
}

static int enter(struct walk *walk, const struct name_entry *child, struct error *err)
{
	unsigned above = walk_top(walk)->flags;

	if (walk_enter(walk, child, err) < 0)
		return -1;
	walk_top(walk)->flags = above + 1 + (unsigned)strlen(child->name);
	return look_at_top(walk, err);
}

static int look_at_all(struct walk *walk, struct error *err)
{
	struct walk_frame *frame;
	int found = look_at_top(walk, err);

	while (found == 0 && (frame = walk_top(walk))) {
		cleanup_name_entry struct name_entry *child = names_take_directory(&frame->names);

		found = child ? enter(walk, child, err) : walk_leave(walk, err);
	}
	return found;
}

int layer_has_long_paths(const char *layer, struct error *err)
{
	cleanup_walk struct walk walk = { 0 };
	int found;

	if (walk_begin(&walk, &layer, 1, err) < 0)
		return error_wrap(err, "cannot examine the layer");
	walk_top(&walk)->flags = (unsigned)strlen(layer);
	found = look_at_all(&walk, err);
	return found < 0 ? error_wrap(err, "cannot examine the layer") : found;
}
