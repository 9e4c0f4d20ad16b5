/*
 * What differs in the trees that two stacks of layers show, told name by name, or only whether anything does. Both are
 * walked at once. The places of a frame are one directory as it lies in the layers that show there: first in the layers
 * that only the one stack has, then in those that only the other has, then in those that both have, each newest first.
 * A name that is in none of the layers of one stack alone is the same in both: it is not looked at, and neither is a
 * directory without such names.
 *
 * A workspace may be at work in the newest layer of the first stack. What vanishes, or becomes something else, while it
 * is looked at is a change; where changes are told, what vanishes is passed over.
 */
#include "layer/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "layer/listing.h"
#include "layer/moved.h"
#include "layer/xattrs.h"

/* For one layer against those below it. A larger file is not compared but counts as changed: a workspace may be down
 * while this is asked. */
#define FILE_LIMIT ((off_t)1 << 20)
/* For whole trees, in which a merge may have left copies of equal files: so many bytes are compared in all. */
#define BYTES_LIMIT ((off_t)1 << 28)

static int same_shown(struct changes *changes, const struct walk_frame *frame, const struct shown *shown,
		      const char *name, struct error *err)
{
	return same_entries(&changes->same, frame->places[shown[ONE].place].fd, &shown[ONE].status,
			    frame->places[shown[OTHER].place].fd, &shown[OTHER].status, name, err);
}

/* Whether what was looked at has become something else meanwhile, which is why it could not be read. */
static bool has_moved(const struct walk_frame *frame, const struct shown *shown, const char *name,
		      const struct error *failure)
{
	return shown->looked && entry_has_moved(frame->places[shown->place].fd, name, &shown->status, failure);
}

/* What cannot be read because of what overlayfs noted on it is a change; so is what has moved. */
static int judge_failure(const struct walk_frame *frame, const struct shown *shown, const char *name, struct error *err)
{
	if (err->kind != ERROR_REFUSED && !has_moved(frame, &shown[ONE], name, err) &&
	    !has_moved(frame, &shown[OTHER], name, err))
		return -1;
	error_clear(err);
	return 0;
}

/* 1: it shows the same, 0: it does not, -1. */
static int judge(struct changes *changes, const struct walk_frame *frame, const char *name, struct shown *shown,
		 struct error *err)
{
	struct stat status;
	int same;

	if (!shown[ONE].found || !shown[OTHER].found)
		return shown[ONE].found == shown[OTHER].found;
	same = same_shown(changes, frame, shown, name, err);
	if (same >= 0 || (changes->told && err->kind == ERROR_REFUSED))
		return same;
	same = judge_failure(frame, shown, name, err);
	/* It has vanished meanwhile, and is passed over. That it is not found keeps it from being told. */
	if (same == 0 && changes->told &&
	    fstatat(frame->places[shown[ONE].place].fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		shown[ONE].found = shown[OTHER].found = false;
	return same == 0 && !shown[ONE].found ? 1 : same;
}

static int look_at_name(struct changes *changes, const struct walk_frame *frame, struct name_entry *entry,
			struct shown *shown, struct error *err)
{
	int same = 1;

	for (int stack = ONE; same > 0 && stack < STACKS; stack++)
		same = changes_show(changes, frame, entry, stack, &shown[stack], err);
	if (same > 0)
		return 1;
	if (same < 0 && judge_failure(frame, shown, entry->name, err) < 0)
		return -1;
	entry->count = 0;
	return 0;
}

static int same_name(struct changes *changes, const struct walk_frame *frame, struct name_entry *entry,
		     struct error *err)
{
	struct shown shown[STACKS] = { 0 };
	int wanted = changes_are_wanted(changes, entry->name, err), same;

	if (wanted <= 0) {
		entry->count = 0;
		return wanted < 0 ? -1 : 1;
	}
	same = look_at_name(changes, frame, entry, shown, err);
	if (same <= 0)
		return same == 0 && changes->told ? 1 : same;
	same = judge(changes, frame, entry->name, shown, err);
	if (same == 0)
		same = changes_tell(changes, frame, entry->name, shown, err);
	if (same <= 0)
		return same;
	same = changes_prepare(changes, frame, entry, shown, err);
	if (same >= 0 || (changes->told && err->kind == ERROR_REFUSED))
		return same;
	entry->count = 0;
	same = judge_failure(frame, shown, entry->name, err);
	return same == 0 && changes->told ? 1 : same;
}

/* A name that was listed. With one place to list it is judged at once, with several when all of them are listed. */
static int take_name(struct changes *changes, struct walk_frame *frame, uint32_t place, const char *name,
		     struct error *err)
{
	bool only_one = changes_own_count(frame) == 1;
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

	for (uint32_t place = 0; same > 0 && place < changes_own_count(frame); place++)
		same = take_place(changes, frame, place, err);
	if (changes_own_count(frame) == 1)
		return same;
	for (struct name_entry *entry = frame->names.first; same > 0 && entry; entry = entry->next)
		same = same_name(changes, frame, entry, err);
	return same;
}

/* Goes on without a folder that has vanished since its name was read, where changes are told. */
static int pass_over(struct changes *changes, struct error *err)
{
	if (!changes->told || !changes->walk.vanished)
		return -1;
	error_clear(err);
	changes->walk.vanished = false;
	return walk_leave(&changes->walk, err) < 0 ? -1 : 1;
}

static int enter(struct changes *changes, const struct name_entry *child, struct error *err)
{
	struct walk_frame *frame;

	if (walk_enter(&changes->walk, child, err) < 0)
		return pass_over(changes, err);
	frame = walk_top(&changes->walk);
	memcpy(frame->split, child->split, sizeof(frame->split));
	return same_top(changes, err);
}

static int same_root(struct changes *changes, struct error *err)
{
	const struct walk_frame *frame = walk_top(&changes->walk);
	struct shown shown[STACKS] = { 0 };
	int same;

	for (int stack = ONE; stack < STACKS; stack++) {
		uint32_t first = stack == OTHER          ? frame->split[ONE]
				 : frame->split[ONE] > 0 ? 0
							 : changes_own_count(frame);

		if (first == frame->count)
			return 1; /* nothing to compare with */
		shown[stack].place = first;
		shown[stack].found = true;
		if (fstat(frame->places[first].fd, &shown[stack].status) < 0)
			return error_errno(err, ERROR_FAILED, errno, "cannot examine a directory");
	}
	same = same_shown(changes, frame, shown, ".", err);
	return same == 0 ? changes_tell(changes, frame, NULL, shown, err) : same;
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
	const char **paths = calloc(count + 1, sizeof(*paths));
	struct walk_frame *frame;

	changes->roots = paths;
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
	free(changes->roots);
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

int layer_diff(enum layer_marks marks, const struct layer_stack *now, const struct layer_stack *before,
	       const struct layer_diff *diff, struct error *err)
{
	struct changes changes = { .same = { .file_limit = INT64_MAX, .bytes_limit = INT64_MAX }, .told = diff };
	int same = compare(&changes, marks, now, before, err);

	return same < 0 ? error_wrap(err, "cannot compare the layers") : 0;
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
