/* Whether a layer changes anything: a walk whose place 0 is the layer, and the others what lies below. */
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/content.h"
#include "layer/listing.h"
#include "layer/marks.h"
#include "layer/walk.h"
#include "layer/xattrs.h"

/* Files over this many bytes are not compared. */
#define COMPARED_SIZE ((off_t)1 << 20)

/* Functions here return 1 for the same, 0 for a change, -1 on an error. */
struct changes {
	struct walk walk;
	struct xattrs_buffer *buffer;
};

/* The place below that shows `name`, with its status; 0 when nothing shows. */
static int find_below(const struct changes *changes, const struct walk_frame *frame, const char *name, uint32_t *shown,
		      struct stat *status, struct error *err)
{
	enum entry_kind kind;

	for (uint32_t place = 1; place < frame->count; place++) {
		if (fstatat(frame->places[place].fd, name, status, AT_SYMLINK_NOFOLLOW) == 0) {
			*shown = place;
			if (marks_entry_kind(changes->buffer->marks, frame->places[place].fd, name, status, &kind,
					     err) < 0)
				return -1;
			return kind != ENTRY_WHITEOUT;
		}
		if (errno != ENOENT)
			return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", name);
	}
	return 0;
}

static bool same_status(const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return false;
	if (S_ISDIR(a->st_mode))
		return true;
	return a->st_size == b->st_size && a->st_rdev == b->st_rdev && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int same_files(int a, int b, const char *name, off_t size, struct error *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC;
	cleanup_fd int left = -1;
	cleanup_fd int right = -1;
	int same = -1;

	if (size > COMPARED_SIZE)
		return 0;
	left = openat(a, name, flags);
	right = openat(b, name, flags);
	if (left >= 0 && right >= 0)
		same = content_equal(left, right, size);
	if (same < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot compare '%s'", name);
	return same;
}

static int same_links(int a, int b, const char *name, struct error *err)
{
	char left[PATH_MAX], right[PATH_MAX];
	ssize_t length = readlinkat(a, name, left, sizeof(left));
	ssize_t other = readlinkat(b, name, right, sizeof(right));

	if (length < 0 || other < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot read the link '%s'", name);
	return length == other && memcmp(left, right, (size_t)length) == 0;
}

static int same_entries(struct changes *changes, int a, int b, const char *name, const struct stat *below,
			struct error *err)
{
	struct stat status;
	int same;

	if (fstatat(a, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", name);
	if (!same_status(&status, below))
		return 0;
	same = xattrs_equal(a, name, b, name, changes->buffer, err);
	if (same > 0 && S_ISREG(status.st_mode))
		same = same_files(a, b, name, status.st_size, err);
	else if (same > 0 && S_ISLNK(status.st_mode))
		same = same_links(a, b, name, err);
	return same;
}

/* Whether the directory is opaque: 1, 0, -1. A mark that cannot be read is as good as opaque: a change. */
static int is_opaque(struct changes *changes, int dir, const char *name, struct error *err)
{
	int opaque = marks_read_opaque(changes->buffer, dir, name, err);

	return opaque < 0 && err->kind == ERROR_REFUSED ? 1 : opaque;
}

/* Notes which places show in the directory `name`, from `place` on down. */
static int add_places(struct changes *changes, struct walk_frame *frame, const char *name, uint32_t place,
		      struct error *err)
{
	struct name_entry *child = names_add(&frame->names, name, err);
	int opaque = 0;

	if (!child || names_add_place(child, 0, err) < 0)
		return -1;
	for (; place < frame->count && !opaque; place++) {
		struct stat status;

		if (fstatat(frame->places[place].fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", name);
		}
		if (!S_ISDIR(status.st_mode))
			break;
		opaque = is_opaque(changes, frame->places[place].fd, name, err);
		if (opaque < 0 || names_add_place(child, place, err) < 0)
			return -1;
	}
	return 0;
}

static int same_entry(struct changes *changes, struct walk_frame *frame, struct entry *entry, struct error *err)
{
	int upper = frame->places[0].fd;
	struct stat below;
	uint32_t place = 0;
	int found = find_below(changes, frame, entry->name, &place, &below, err);
	int same, opaque;

	if (found < 0 || (entry->kind == ENTRY_REGULAR && marks_look(changes->buffer->marks, upper, entry, err) < 0))
		return -1;
	if (entry->kind == ENTRY_WHITEOUT)
		return !found;
	if (!found)
		return 0;
	same = same_entries(changes, upper, frame->places[place].fd, entry->name, &below, err);
	if (same <= 0 || entry->kind != ENTRY_DIRECTORY)
		return same;
	opaque = is_opaque(changes, upper, entry->name, err);
	if (opaque != 0)
		return opaque < 0 ? -1 : 0;
	return add_places(changes, frame, entry->name, place, err) < 0 ? -1 : 1;
}

static int same_top(struct changes *changes, struct error *err)
{
	struct walk_frame *frame = walk_top(&changes->walk);
	struct listing listing;
	struct entry entry;
	int more;

	listing_begin(&listing, frame->places[0].fd);
	while ((more = listing_next(&listing, &entry, err)) > 0) {
		int same = same_entry(changes, frame, &entry, err);

		if (same <= 0)
			return same;
	}
	return more < 0 ? -1 : 1;
}

static int same_root(struct changes *changes, struct error *err)
{
	const struct walk_frame *frame = walk_top(&changes->walk);
	struct stat status;

	if (frame->count < 2)
		return 1;
	if (fstat(frame->places[1].fd, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine a directory");
	return same_entries(changes, frame->places[0].fd, frame->places[1].fd, ".", &status, err);
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
			same = walk_enter(&changes->walk, child, err) < 0 ? -1 : same_top(changes, err);
	}
	return same;
}

int layer_changes_nothing(enum layer_marks marks, const char *layer, const char *const *below, size_t count,
			  struct error *err)
{
	cleanup_free const char **paths = reallocarray(NULL, count + 1, sizeof(*paths));
	cleanup_free struct xattrs_buffer *buffer = malloc(sizeof(*buffer));
	struct changes changes = { .buffer = buffer };
	int same;

	if (!paths || !buffer)
		return error_memory(err);
	buffer->marks = marks;
	paths[0] = layer;
	for (size_t i = 0; i < count; i++)
		paths[i + 1] = below[i];
	if (walk_begin(&changes.walk, paths, count + 1, err) < 0)
		same = -1;
	else if ((same = same_trees(&changes, err)) < 0)
		walk_wrap(&changes.walk, err);
	walk_release(&changes.walk);
	return same < 0 ? error_wrap(err, "cannot examine the layer") : same;
}
