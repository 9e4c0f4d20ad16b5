#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "layer/inodes.h"
#include "layer/listing.h"
#include "layer/walk.h"

#define BLOCK_SIZE 512 /* of st_blocks, stat(3type) */

struct usage {
	struct walk walk;
	struct inodes inodes;
	int64_t bytes, entries;
};

static int count_inode(struct usage *usage, const struct stat *status, struct error *err)
{
	if (!S_ISDIR(status->st_mode) && status->st_nlink > 1) {
		if (inodes_find(&usage->inodes, status))
			return 0;
		if (inodes_add(&usage->inodes, status, NULL, err) < 0)
			return -1;
	}
	usage->bytes += (int64_t)status->st_blocks * BLOCK_SIZE;
	usage->entries++;
	return 0;
}

static int count_entry(struct usage *usage, struct walk_frame *frame, const char *name, struct error *err)
{
	struct name_entry *child;
	struct stat status;

	if (fstatat(frame->places[0].fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT) /* removed since it was listed */
			return 0;
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", name);
	}
	if (count_inode(usage, &status, err) < 0)
		return -1;
	if (!S_ISDIR(status.st_mode))
		return 0;
	child = names_add(&frame->names, name, err);
	return child ? names_add_place(child, 0, err) : -1;
}

static int count_top(struct usage *usage, struct error *err)
{
	struct walk_frame *frame = walk_top(&usage->walk);
	struct listing listing;
	struct entry entry;
	int more;

	listing_begin(&listing, frame->places[0].fd);
	while ((more = listing_next(&listing, &entry, err)) > 0)
		if (count_entry(usage, frame, entry.name, err) < 0)
			return -1;
	return more;
}

static int count_all(struct usage *usage, struct error *err)
{
	struct walk_frame *frame = walk_top(&usage->walk);
	struct stat status;

	if (fstat(frame->places[0].fd, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine the directory");
	if (count_inode(usage, &status, err) < 0 || count_top(usage, err) < 0)
		return -1;
	while ((frame = walk_top(&usage->walk))) {
		cleanup_name_entry struct name_entry *child = names_take_directory(&frame->names);
		int done = child ? walk_enter(&usage->walk, child, err) : walk_leave(&usage->walk, err);

		if (done < 0 || (child && count_top(usage, err) < 0))
			return -1;
	}
	return 0;
}

int layer_usage(const char *layer, int64_t *bytes, int64_t *entries, struct error *err)
{
	struct usage usage = {0};
	int counted = walk_begin(&usage.walk, &layer, 1, err);

	if (counted == 0 && (counted = count_all(&usage, err)) < 0)
		walk_wrap(&usage.walk, err);
	*bytes = usage.bytes;
	*entries = usage.entries;
	walk_release(&usage.walk);
	inodes_release(&usage.inodes);
	return counted < 0 ? error_wrap(err, "cannot measure the layer '%s'", layer) : 0;
}
