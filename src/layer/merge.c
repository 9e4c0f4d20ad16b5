/*
 * The merge goes down all layers at once. A frame of the walk is one directory of the result: its
 * places are that directory in the layers that show there, newest first, and last the
 * result's own. The first layer that has a name decides what it is; older ones only count
 * where it is a directory in all of them, until one is opaque or has something else there.
 *
 * The same walk measures: then nothing is written, and a frame has no place of the result.
 *
 * What lies below the merged layers is not known here. A directory is marked opaque as soon as one of
 * the merged layers hid what is below it, and from there down (COVERED) whiteouts are left out.
 */
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/meter.h"
#include "layer/marks.h"
#include "layer/metadata.h"
#include "layer/layer_writer.h"
#include "layer/walk.h"

enum {
	OPAQUE = 1,  /* hides what lies below the merged layers */
	COVERED = 2, /* opaque, or in a directory that is */
	KEEPS_WHITEOUTS = 4,
};

struct merge {
	struct walk walk;
	struct layer_writer writer;
	uint64_t entries;
};

/* How many of the frame's places are layers. */
static size_t layers_of(const struct merge *merge, const struct walk_frame *frame)
{
	return merge->writer.measures ? frame->count : frame->count - 1;
}

/* The result's directory, -1 where there is none. */
static int target_of(const struct merge *merge, const struct walk_frame *frame)
{
	return merge->writer.measures ? -1 : frame->places[frame->count - 1].fd;
}

/* Notes that the directory `known` shows what the layer at `place` has in it. */
static int add_directory(struct merge *merge, const struct walk_frame *frame, struct name_entry *known, uint32_t place,
			 struct error *err)
{
	int opaque = marks_read_opaque(merge->writer.buffer, frame->places[place].fd, known->name, err);

	if (opaque < 0)
		return -1;
	known->closed = known->opaque = opaque > 0;
	return names_add_place(known, place, err);
}

/* A name that a newer layer has too. Something else than a directory would have hidden
 * a directory below: now that it is gone, the newer directory has to. */
static int add_older(struct merge *merge, const struct walk_frame *frame, struct name_entry *known, uint32_t place,
		     const struct entry *entry, struct error *err)
{
	if (known->closed)
		return 0;
	if (entry->kind == ENTRY_DIRECTORY)
		return add_directory(merge, frame, known, place, err);
	known->closed = true;
	known->opaque = true;
	return 0;
}

static int put_entry(struct merge *merge, struct walk_frame *frame, uint32_t place, const struct entry *entry,
		     struct error *err)
{
	if (entry->kind == ENTRY_WHITEOUT) {
		if (frame->flags & COVERED)
			return 0;
		frame->flags |= KEEPS_WHITEOUTS;
	}
	merge->entries++;
	meter_add(1, 0);
	return layer_writer_put(&merge->writer, frame->places[place].fd, entry, target_of(merge, frame), err);
}

static int add_newest(struct merge *merge, struct walk_frame *frame, uint32_t place, const struct entry *entry,
		      struct error *err)
{
	bool is_directory = entry->kind == ENTRY_DIRECTORY;
	bool has_older = place + 1 < layers_of(merge, frame);
	struct name_entry *added;

	if (!is_directory && put_entry(merge, frame, place, entry, err) < 0)
		return -1;
	if (!is_directory && !has_older)
		return 0;
	added = names_add(&frame->names, entry->name, err);
	if (!added || (has_older && names_index(&frame->names, added, err) < 0))
		return -1;
	if (is_directory)
		return add_directory(merge, frame, added, place, err);
	added->closed = true;
	return 0;
}

static int merge_entry(struct merge *merge, struct walk_frame *frame, uint32_t place, struct entry *entry,
		       struct error *err)
{
	struct name_entry *known = names_find(&frame->names, entry->name);

	/* A regular file may be a whiteout as well. */
	if (entry->kind == ENTRY_REGULAR &&
	    marks_look(merge->writer.buffer->marks, frame->places[place].fd, entry, err) < 0)
		return -1;
	return known ? add_older(merge, frame, known, place, entry, err) : add_newest(merge, frame, place, entry, err);
}

static int merge_place(struct merge *merge, struct walk_frame *frame, uint32_t place, struct error *err)
{
	struct listing listing;
	struct entry entry;
	int more;

	listing_begin(&listing, frame->places[place].fd);
	while ((more = listing_next(&listing, &entry, err)) > 0)
		if (merge_entry(merge, frame, place, &entry, err) < 0)
			return -1;
	return more;
}

/* Puts everything but directories into the result, and gathers those. */
static int merge_top(struct merge *merge, struct error *err)
{
	struct walk_frame *frame = walk_top(&merge->walk);

	for (uint32_t place = 0; place < layers_of(merge, frame); place++)
		if (merge_place(merge, frame, place, err) < 0)
			return -1;
	return 0;
}

static int make_directory(struct merge *merge, struct walk_frame *frame, struct name_entry *child, struct error *err)
{
	if (mkdirat(target_of(merge, frame), child->name, 0700) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", child->name);
	return names_add_place(child, (uint32_t)frame->count - 1, err);
}

static int enter_directory(struct merge *merge, struct name_entry *child, struct error *err)
{
	struct walk_frame *frame = walk_top(&merge->walk);
	unsigned covered = frame->flags & COVERED;

	merge->entries++;
	if ((!merge->writer.measures && make_directory(merge, frame, child, err) < 0) ||
	    walk_enter(&merge->walk, child, err) < 0)
		return -1;
	walk_top(&merge->walk)->flags = covered | (child->opaque ? OPAQUE | COVERED : 0);
	return merge_top(merge, err);
}

/* Last, because entries that are made in a directory change its times and inherit its ACL. */
static int finish_directory(struct merge *merge, struct error *err)
{
	struct walk_frame *frame = walk_top(&merge->walk);
	int from = frame->places[0].fd, to = target_of(merge, frame);
	struct stat status;

	if (merge->writer.measures)
		return 0;
	if (fstat(from, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine a directory");
	if (metadata_copy(from, ".", &status, to, ".", merge->writer.buffer, err) < 0)
		return -1;
	if (frame->flags & OPAQUE)
		return marks_set_opaque(merge->writer.buffer->marks, to, ".", err);
	if (frame->flags & KEEPS_WHITEOUTS)
		return marks_set_whiteouts(merge->writer.buffer->marks, to, ".", err);
	return 0;
}

static int merge_all(struct merge *merge, struct error *err)
{
	struct walk_frame *frame;

	if (merge_top(merge, err) < 0)
		return -1;
	while ((frame = walk_top(&merge->walk))) {
		cleanup_name_entry struct name_entry *child = names_take_directory(&frame->names);
		int done = child ? enter_directory(merge, child, err) : finish_directory(merge, err);

		if (done < 0 || (!child && walk_leave(&merge->walk, err) < 0))
			return -1;
	}
	return 0;
}

static int open_empty_target(struct merge *merge, enum layer_marks marks, struct error *err)
{
	int target = target_of(merge, walk_top(&merge->walk));
	struct listing listing;
	struct entry entry;
	int more;

	listing_begin(&listing, target);
	more = listing_next(&listing, &entry, err);
	if (more != 0)
		return more < 0 ? -1 : error_set(err, ERROR_FAILED, "the target is not empty");
	if (xattrs_remove_acls(target, ".", err) < 0)
		return -1;
	return layer_writer_begin(&merge->writer, marks, target, err);
}

static int merge_paths(struct merge *merge, enum layer_marks marks, const char **paths, size_t count, struct error *err)
{
	if (walk_begin(&merge->walk, paths, count, err) < 0)
		return -1;
	if (open_empty_target(merge, marks, err) < 0 || merge_all(merge, err) < 0)
		return walk_wrap(&merge->walk, err);
	return 0;
}

static int measure_paths(struct merge *merge, enum layer_marks marks, const char **paths, size_t count,
			 struct error *err)
{
	cleanup_fd int target = open(paths[count], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (target < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the directory '%s'", paths[count]);
	if (layer_writer_begin(&merge->writer, marks, target, err) < 0)
		return -1;
	merge->writer.measures = true;
	if (walk_begin(&merge->walk, paths, count, err) < 0)
		return -1;
	return merge_all(merge, err) < 0 ? walk_wrap(&merge->walk, err) : 0;
}

static int run_merge(struct merge *merge, enum layer_marks marks, const char *const *layers, size_t count,
		     const char *target, bool measures, struct error *err)
{
	cleanup_free const char **paths = reallocarray(NULL, count + 1, sizeof(*paths));

	if (!paths)
		return error_memory(err);
	if (count == 0)
		return error_set(err, ERROR_FAILED, "cannot merge layers: there is none");
	for (size_t i = 0; i < count; i++)
		paths[i] = layers[i];
	paths[count] = target;
	if ((measures ? measure_paths(merge, marks, paths, count, err)
		      : merge_paths(merge, marks, paths, count + 1, err)) < 0)
		return error_wrap(err, "cannot merge layers");
	return 0;
}

static int merge_layers(enum layer_marks marks, const char *const *layers, size_t count, const char *target,
			bool measures, struct layer_merge_result *result, struct error *err)
{
	struct merge merge = { 0 };
	int done = run_merge(&merge, marks, layers, count, target, measures, err);

	*result = (struct layer_merge_result){ .entries = merge.entries, .copied_bytes = merge.writer.copied_bytes };
	walk_release(&merge.walk);
	layer_writer_release(&merge.writer);
	return done;
}

int layer_merge(enum layer_marks marks, const char *const *layers, size_t count, const char *target,
		struct layer_merge_result *result, struct error *err)
{
	return merge_layers(marks, layers, count, target, false, result, err);
}

int layer_merge_cost(enum layer_marks marks, const char *const *layers, size_t count, const char *target,
		     struct layer_merge_result *cost, struct error *err)
{
	return merge_layers(marks, layers, count, target, true, cost, err);
}
