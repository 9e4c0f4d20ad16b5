/*
 * Whether two stacks of layers show the same tree. Both are walked at once. The places of a frame are one directory as
 * it lies in the layers that show there: first those that belong to the one stack alone, then those of the other alone,
 * then those that both share, each newest first. A name that is in none of the first two is the same in both: it is not
 * looked at, and neither is a directory that has none.
 *
 * A workspace may be at work in the newest layer of the first stack. What vanishes, or becomes something else, while
 * it is looked at is a change.
 */
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "layer/listing.h"
#include "layer/marks.h"
#include "layer/same.h"
#include "layer/walk.h"
#include "layer/xattrs.h"

/* A layer on top of others: larger files are not compared, it may be down meanwhile. */
#define FILE_LIMIT ((off_t)1 << 20)
/* Of trees that have little in common: merged layers hold copies of the files that the others have. */
#define BYTES_LIMIT ((off_t)1 << 28)

enum { ONE, OTHER, STACKS };

/* Functions here return 1 for the same, 0 for a change, -1 on an error. */
struct changes {
	struct walk walk;
	struct same same;
	uint32_t *showing[STACKS]; /* room for the places of one directory */
};

/* Where a stack shows a name. */
struct shown {
	bool found;
	bool looked; /* at what is in `status` */
	uint32_t place;
	struct stat status;
};

static uint32_t own_count(const struct walk_frame *frame)
{
	return frame->split[ONE] + frame->split[OTHER];
}

static bool belongs(const struct walk_frame *frame, uint32_t place, int stack)
{
	return place < own_count(frame) && (place < frame->split[ONE]) == (stack == ONE);
}

static int examine(const struct walk_frame *frame, uint32_t place, const char *name, struct stat *status,
		   struct error *err)
{
	if (fstatat(frame->places[place].fd, name, status, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", name);
}

/* What shows is what is found first, whiteouts aside. 1, 0: nothing is there, -1. */
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
	for (uint32_t place = own_count(frame); place < frame->count; place++) {
		int there = look(changes, frame, place, name, shown, err);

		if (there != 0)
			return there;
	}
	return 1;
}

/* What a stack shows under the name of an entry, whose places are those of the two stacks' own that have it. */
static int show(const struct changes *changes, const struct walk_frame *frame, const struct name_entry *entry,
		int stack, struct shown *shown, struct error *err)
{
	for (uint32_t i = 0; i < entry->count; i++)
		if (belongs(frame, entry->places[i], stack))
			return look(changes, frame, entry->places[i], entry->name, shown, err);
	return show_shared(changes, frame, entry->name, shown, err);
}

/* Adds the place to those that show in a directory. 1: what is older shows as well, 0: it does not, or nothing is known
 * of the place's marks: then what it hides is as good as changed. */
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

	for (uint32_t place = own_count(frame); open > 0 && place < frame->count; place++)
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

/* Turns the entry of a directory into what is entered. What the stacks share is shared below only if both show it. */
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

static int same_shown(struct changes *changes, const struct walk_frame *frame, const struct shown *shown,
		      const char *name, struct error *err)
{
	return same_entries(&changes->same, frame->places[shown[ONE].place].fd, &shown[ONE].status,
			    frame->places[shown[OTHER].place].fd, &shown[OTHER].status, name, err);
}

/* Whether what was looked at has become something else meanwhile, which is why it could not be read. */
static bool has_moved(const struct walk_frame *frame, const struct shown *shown, const char *name)
{
	const struct stat *was = &shown->status;
	struct stat now;

	if (!shown->looked)
		return false;
	return fstatat(frame->places[shown->place].fd, name, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	       now.st_ino != was->st_ino || now.st_dev != was->st_dev || now.st_ctim.tv_sec != was->st_ctim.tv_sec ||
	       now.st_ctim.tv_nsec != was->st_ctim.tv_nsec;
}

/* What cannot be read because of what overlayfs noted on it is a change; so is what has moved. */
static int judge_failure(const struct walk_frame *frame, const struct shown *shown, const char *name, struct error *err)
{
	if (err->kind != ERROR_REFUSED && !has_moved(frame, &shown[ONE], name) &&
	    !has_moved(frame, &shown[OTHER], name))
		return -1;
	error_clear(err);
	return 0;
}

static int same_name(struct changes *changes, const struct walk_frame *frame, struct name_entry *entry,
		     struct error *err)
{
	struct shown shown[STACKS] = { 0 };
	int same = 1;

	for (int stack = ONE; same > 0 && stack < STACKS; stack++)
		same = show(changes, frame, entry, stack, &shown[stack], err);
	if (same <= 0)
		return same < 0 ? judge_failure(frame, shown, entry->name, err) : 0;
	if (!shown[ONE].found || !shown[OTHER].found) {
		entry->count = 0;
		return shown[ONE].found == shown[OTHER].found;
	}
	same = same_shown(changes, frame, shown, entry->name, err);
	if (same > 0 && S_ISDIR(shown[ONE].status.st_mode))
		same = prepare_child(changes, frame, entry, err);
	else
		entry->count = 0;
	return same < 0 ? judge_failure(frame, shown, entry->name, err) : same;
}

/* A name that was listed. With one place to list it is judged at once, with several when all of them are listed. */
static int take_name(struct changes *changes, struct walk_frame *frame, uint32_t place, const char *name,
		     struct error *err)
{
	bool only_one = own_count(frame) == 1;
	struct name_entry *entry = only_one ? NULL : names_find(&frame->names, name);

	if (entry)
		return names_add_place(entry, place, err) < 0 ? -1 : 1;
	entry = names_add(&frame->names, name, err);
	if (!entry || names_add_place(entry, place, err) < 0)
		return -1;
	if (only_one)
		return same_name(changes, frame, entry, err);
	return names_index(&frame->names, entry, err) < 0 ? -1 : 1;
}

/* A directory that was removed cannot be listed. */
static int judge_listing(int dir, struct error *err)
{
	struct stat status;

	if (fstat(dir, &status) < 0 || status.st_nlink > 0)
		return -1;
	error_clear(err);
	return 0;
}

static int take_place(struct changes *changes, struct walk_frame *frame, uint32_t place, struct error *err)
{
	struct listing listing;
	struct entry entry;
	int more;

	listing_begin(&listing, frame->places[place].fd);
	while ((more = listing_next(&listing, &entry, err)) > 0) {
		int same = take_name(changes, frame, place, entry.name, err);

		if (same <= 0)
			return same;
	}
	return more < 0 ? judge_listing(frame->places[place].fd, err) : 1;
}

static int same_top(struct changes *changes, struct error *err)
{
	struct walk_frame *frame = walk_top(&changes->walk);
	int same = 1;

	for (uint32_t place = 0; same > 0 && place < own_count(frame); place++)
		same = take_place(changes, frame, place, err);
	if (own_count(frame) == 1)
		return same;
	for (struct name_entry *entry = frame->names.first; same > 0 && entry; entry = entry->next)
		same = same_name(changes, frame, entry, err);
	return same;
}

static int enter(struct changes *changes, const struct name_entry *child, struct error *err)
{
	struct walk_frame *frame;

	if (walk_enter(&changes->walk, child, err) < 0)
		return -1;
	frame = walk_top(&changes->walk);
	memcpy(frame->split, child->split, sizeof(frame->split));
	return same_top(changes, err);
}

static int same_root(struct changes *changes, struct error *err)
{
	const struct walk_frame *frame = walk_top(&changes->walk);
	struct shown shown[STACKS] = { 0 };

	for (int stack = ONE; stack < STACKS; stack++) {
		uint32_t first = stack == OTHER ? frame->split[ONE] : frame->split[ONE] > 0 ? 0 : own_count(frame);

		if (first == frame->count)
			return 1; /* nothing to compare with */
		shown[stack].place = first;
		if (fstat(frame->places[first].fd, &shown[stack].status) < 0)
			return error_errno(err, ERROR_FAILED, errno, "cannot examine a directory");
	}
	return same_shown(changes, frame, shown, ".", err);
}

static int same_trees(struct changes *changes, struct error *err)
{
	struct walk_frame *frame;
	int same = same_root(changes, err);

	if (same > 0)
		same = same_top(changes, err);
	while (same > 0 && (frame = walk_top(&changes->walk))) {
		cleanup_name_entry struct name_entry *child = names_take_directory(&frame->names);

		if (!child)
			same = walk_leave(&changes->walk, err) < 0 ? -1 : 1;
		else
			same = enter(changes, child, err);
	}
	if (same >= 0 || !changes->walk.vanished)
		return same;
	error_clear(err);
	return 0;
}

static size_t count_shared(const struct layer_stack *one, const struct layer_stack *other)
{
	size_t count = 0;

	while (count < one->count && count < other->count &&
	       strcmp(one->layers[one->count - 1 - count], other->layers[other->count - 1 - count]) == 0)
		count++;
	return count;
}

static int begin(struct changes *changes, enum layer_marks marks, const struct layer_stack *one,
		 const struct layer_stack *other, struct error *err)
{
	size_t shared = count_shared(one, other), own = one->count - shared, count = own + other->count;
	cleanup_free const char **paths = calloc(count + 1, sizeof(*paths));
	struct walk_frame *frame;

	changes->same.buffer = malloc(sizeof(*changes->same.buffer));
	for (int stack = ONE; stack < STACKS; stack++)
		changes->showing[stack] = calloc(count + 1, sizeof(uint32_t));
	if (!paths || !changes->same.buffer || !changes->showing[ONE] || !changes->showing[OTHER])
		return error_memory(err);
	changes->same.buffer->marks = marks;
	for (size_t i = 0; i < own; i++)
		paths[i] = one->layers[i];
	for (size_t i = 0; i < other->count; i++)
		paths[own + i] = other->layers[i];
	if (walk_begin(&changes->walk, paths, count, err) < 0)
		return -1;
	frame = walk_top(&changes->walk);
	frame->split[ONE] = (uint32_t)own;
	frame->split[OTHER] = (uint32_t)(other->count - shared);
	return 0;
}

static int compare(struct changes *changes, enum layer_marks marks, const struct layer_stack *one,
		   const struct layer_stack *other, struct error *err)
{
	int same = begin(changes, marks, one, other, err);

	if (same == 0 && (same = same_trees(changes, err)) < 0)
		walk_wrap(&changes->walk, err);
	walk_release(&changes->walk);
	free(changes->same.buffer);
	for (int stack = ONE; stack < STACKS; stack++)
		free(changes->showing[stack]);
	return same;
}

int layer_same_trees(enum layer_marks marks, const struct layer_stack *one, const struct layer_stack *other,
		     struct error *err)
{
	struct changes changes = { .same = { .file_limit = BYTES_LIMIT, .bytes_limit = BYTES_LIMIT } };
	int same = compare(&changes, marks, one, other, err);

	return same < 0 ? error_wrap(err, "cannot compare the layers") : same;
}

int layer_changes_nothing(enum layer_marks marks, const char *layer, const char *const *below, size_t count,
			  struct error *err)
{
	cleanup_free const char **all = calloc(count + 1, sizeof(*all));
	struct changes changes = { .same = { .file_limit = FILE_LIMIT, .bytes_limit = BYTES_LIMIT } };
	const struct layer_stack with = { .layers = all, .count = count + 1 }, without = { below, count };
	int same;

	if (!all)
		return error_memory(err);
	all[0] = layer;
	for (size_t i = 0; i < count; i++)
		all[i + 1] = below[i];
	same = compare(&changes, marks, &with, &without, err);
	return same < 0 ? error_wrap(err, "cannot examine the layer") : same;
}
