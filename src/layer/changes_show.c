/* What each of two stacks of layers shows under a name. */
#include "layer/changes.h"

#include <errno.h>
#include <fcntl.h>

#include "layer/listing.h"
#include "layer/marks.h"

static bool belongs(const struct walk_frame *frame, uint32_t place, int stack)
{
	return place < changes_own_count(frame) && (place < frame->split[ONE]) == (stack == ONE);
}

static int examine(const struct walk_frame *frame, uint32_t place, const char *name, struct stat *status,
		   struct error *err)
{
	if (fstatat(frame->places[place].fd, name, status, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", name);
}

/* The first layer that has the name decides what shows: nothing, where it has a whiteout. 1 it has the name, 0 it
 * has not, -1. */
static int look(const struct changes *changes, const struct walk_frame *frame, uint32_t place, const char *name,
		struct shown *shown, struct error *err)
{
	int there = examine(frame, place, name, &shown->status, err);
	enum entry_kind kind;

	if (there <= 0)
		return there;
	shown->looked = true;
	shown->place = place;
	if (marks_entry_kind(changes->same.buffer->marks, frame->places[place].fd, name, &shown->status, &kind, err) <
	    0)
		return -1;
	shown->found = kind != ENTRY_WHITEOUT;
	return 1;
}

static int show_shared(const struct changes *changes, const struct walk_frame *frame, const char *name,
		       struct shown *shown, struct error *err)
{
	for (uint32_t place = changes_own_count(frame); place < frame->count; place++) {
		int there = look(changes, frame, place, name, shown, err);

		if (there != 0)
			return there;
	}
	return 1;
}

int changes_show(const struct changes *changes, const struct walk_frame *frame, const struct name_entry *entry,
		 int stack, struct shown *shown, struct error *err)
{
	for (uint32_t i = 0; i < entry->count; i++)
		if (belongs(frame, entry->places[i], stack))
			return look(changes, frame, entry->places[i], entry->name, shown, err);
	return show_shared(changes, frame, entry->name, shown, err);
}

/* Adds the place to those that show in a directory, if it is a directory there. 1: what is older shows as well; 0:
 * it does not, because the place has something else there, or a directory that is opaque. */
static int add_showing(struct changes *changes, const struct walk_frame *frame, const char *name, uint32_t place,
		       uint32_t *showing, uint32_t *count, struct error *err)
{
	struct stat status;
	int there = examine(frame, place, name, &status, err);
	int opaque;

	if (there <= 0)
		return there < 0 ? -1 : 1;
	if (!S_ISDIR(status.st_mode))
		return 0;
	opaque = marks_read_opaque(changes->same.buffer, frame->places[place].fd, name, err);
	if (opaque < 0)
		return -1;
	showing[(*count)++] = place;
	return !opaque;
}

/* The places of a stack's own that show in the directory. 1: what the stacks share shows as well. */
static int find_own(struct changes *changes, const struct walk_frame *frame, const struct name_entry *entry, int stack,
		    uint32_t *count, struct error *err)
{
	int open = 1;

	for (uint32_t i = 0; open > 0 && i < entry->count; i++)
		if (belongs(frame, entry->places[i], stack))
			open = add_showing(changes, frame, entry->name, entry->places[i], changes->showing[stack],
					   count, err);
	return open;
}

static int find_shared(struct changes *changes, const struct walk_frame *frame, const char *name, uint32_t *showing,
		       uint32_t *count, struct error *err)
{
	int open = 1;

	for (uint32_t place = changes_own_count(frame); open > 0 && place < frame->count; place++)
		open = add_showing(changes, frame, name, place, showing, count, err);
	return open < 0 ? -1 : 0;
}

static int put_places(struct name_entry *entry, const uint32_t *places, uint32_t count, struct error *err)
{
	for (uint32_t i = 0; i < count; i++)
		if (names_add_place(entry, places[i], err) < 0)
			return -1;
	return 0;
}

/* Sets the places of an entry that is a directory in both stacks. What both have in common counts as common below it
 * only if it shows in both. */
static int prepare_child(struct changes *changes, const struct walk_frame *frame, struct name_entry *entry,
			 struct error *err)
{
	uint32_t count[STACKS] = { 0, 0 };
	int open[STACKS];

	for (int stack = ONE; stack < STACKS; stack++) {
		open[stack] = find_own(changes, frame, entry, stack, &count[stack], err);
		if (open[stack] < 0)
			return -1;
	}
	for (int stack = ONE; stack < STACKS; stack++)
		entry->split[stack] = count[stack];
	for (int stack = ONE; stack < STACKS; stack++) {
		if (!open[stack])
			continue;
		if (find_shared(changes, frame, entry->name, changes->showing[stack], &count[stack], err) < 0)
			return -1;
		if (!open[!stack])
			entry->split[stack] = count[stack];
	}
	entry->count = 0;
	if (put_places(entry, changes->showing[ONE], entry->split[ONE], err) < 0 ||
	    put_places(entry, changes->showing[OTHER], count[OTHER], err) < 0)
		return -1;
	return 1;
}

/* The same of one that is a directory in one stack alone. It is entered only to tell what is in it. */
static int prepare_single(struct changes *changes, const struct walk_frame *frame, struct name_entry *entry, int stack,
			  struct error *err)
{
	uint32_t count = 0;
	int open = find_own(changes, frame, entry, stack, &count, err);

	if (open > 0)
		open = find_shared(changes, frame, entry->name, changes->showing[stack], &count, err);
	if (open < 0)
		return -1;
	entry->count = 0;
	entry->split[stack] = count;
	entry->split[!stack] = 0;
	return put_places(entry, changes->showing[stack], count, err) < 0 ? -1 : 1;
}

int changes_prepare(struct changes *changes, const struct walk_frame *frame, struct name_entry *entry,
		    const struct shown *shown, struct error *err)
{
	bool folder[STACKS];

	for (int stack = ONE; stack < STACKS; stack++)
		folder[stack] = shown[stack].found && S_ISDIR(shown[stack].status.st_mode);
	if (folder[ONE] && folder[OTHER])
		return prepare_child(changes, frame, entry, err);
	if (changes->told && (folder[ONE] || folder[OTHER]))
		return prepare_single(changes, frame, entry, folder[ONE] ? ONE : OTHER, err);
	entry->count = 0;
	return 1;
}
