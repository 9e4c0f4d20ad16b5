#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/extents.h"
#include "layer/inodes.h"
#include "layer/listing.h"
#include "layer/walk.h"

#define BLOCK_SIZE 512 /* of st_blocks, stat(3type) */

struct usage {
	struct walk walk;
	struct inodes inodes;
	bool exclusive;             /* count only what no name elsewhere shares … */
	bool by_extent;             /* … nor another file by reference */
	const struct id_maps *maps; /* look for what is foreign to them instead … */
	char *foreign;              /* … and the first that was found */
	int64_t bytes, entries;
};

/* Only the last of its names tells that all of them are here. */
static int count_exclusive(struct usage *usage, int dir, const char *name, const struct stat *status, struct error *err)
{
	struct inode *inode = NULL;
	int64_t bytes = (int64_t)status->st_blocks * BLOCK_SIZE;

	if (!S_ISDIR(status->st_mode) && status->st_nlink > 1) {
		inode = inodes_find(&usage->inodes, status);
		if (!inode && inodes_add(&usage->inodes, status, NULL, err) < 0)
			return -1;
		inode = inode ? inode : inodes_find(&usage->inodes, status);
		if (++inode->names < status->st_nlink)
			return 0;
	}
	if (usage->by_extent && S_ISREG(status->st_mode) && bytes > 0)
		bytes = extents_exclusive(dir, name, bytes);
	usage->bytes += bytes;
	usage->entries++;
	return 0;
}

static char *path_of(const struct walk *walk, const char *name)
{
	struct text path = { 0 };

	for (size_t i = 1; i < walk->depth; i++)
		text_printf(&path, "/%s", walk->frames[i].name);
	text_printf(&path, "/%s", strcmp(name, ".") == 0 ? "" : name);
	return text_steal(&path);
}

static int look_at_owner(struct usage *usage, const char *name, const struct stat *status, struct error *err)
{
	if (usage->foreign || listing_kind(status) == ENTRY_WHITEOUT ||
	    (id_map_has(&usage->maps->users, status->st_uid) && id_map_has(&usage->maps->groups, status->st_gid)))
		return 0;
	usage->foreign = path_of(&usage->walk, name);
	return usage->foreign ? 0 : error_memory(err);
}

static int count_inode(struct usage *usage, int dir, const char *name, const struct stat *status, struct error *err)
{
	if (usage->maps)
		return look_at_owner(usage, name, status, err);
	if (usage->exclusive)
		return count_exclusive(usage, dir, name, status, err);
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
	if (count_inode(usage, frame->places[0].fd, name, &status, err) < 0)
		return -1;
	if (!S_ISDIR(status.st_mode))
		return 0;
	child = names_add(&frame->names, name, err);
	return child ? names_add_place(child, 0, err) : -1;
}

static bool is_removed(int folder)
{
	struct stat status;

	return fstat(folder, &status) == 0 && status.st_nlink == 0;
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
	if (more == 0 || !is_removed(frame->places[0].fd))
		return more;
	error_clear(err);
	return 0;
}

/* Whether a folder is not there any more, as happens in a layer that a workspace runs on: then it does not count. */
static bool has_vanished(struct usage *usage, struct error *err)
{
	bool vanished = usage->walk.vanished;

	usage->walk.vanished = false;
	if (vanished)
		error_clear(err);
	return vanished;
}

/* The folder above, which deep down is opened again, may have gone as well: then that is left, too. */
static int leave(struct usage *usage, struct error *err)
{
	int left = walk_leave(&usage->walk, err);

	while (left < 0 && has_vanished(usage, err))
		left = walk_leave(&usage->walk, err);
	return left;
}

static int enter(struct usage *usage, const struct name_entry *child, struct error *err)
{
	if (walk_enter(&usage->walk, child, err) == 0)
		return count_top(usage, err);
	return has_vanished(usage, err) ? leave(usage, err) : -1;
}

static int count_all(struct usage *usage, struct error *err)
{
	struct walk_frame *frame = walk_top(&usage->walk);
	struct stat status;

	if (fstat(frame->places[0].fd, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine the directory");
	if (count_inode(usage, frame->places[0].fd, ".", &status, err) < 0 || count_top(usage, err) < 0)
		return -1;
	while ((frame = walk_top(&usage->walk))) {
		cleanup_name_entry struct name_entry *child = names_take_directory(&frame->names);

		if ((child ? enter(usage, child, err) : leave(usage, err)) < 0)
			return -1;
	}
	return 0;
}

static int look_through(struct usage *usage, const char *layer, struct error *err)
{
	int counted = walk_begin(&usage->walk, &layer, 1, err);

	if (counted == 0 && (counted = count_all(usage, err)) < 0)
		walk_wrap(&usage->walk, err);
	walk_release(&usage->walk);
	return counted < 0 ? error_wrap(err, "cannot measure the layer '%s'", layer) : 0;
}

int layer_usage(const char *layer, int64_t *bytes, int64_t *entries, struct error *err)
{
	struct usage usage = { 0 };
	int counted = look_through(&usage, layer, err);

	*bytes = usage.bytes;
	*entries = usage.entries;
	inodes_release(&usage.inodes);
	return counted;
}

int layer_find_foreign(const char *layer, const struct id_maps *maps, char **path, struct error *err)
{
	struct usage usage = { .maps = maps };
	int looked = look_through(&usage, layer, err);

	*path = looked < 0 ? NULL : steal_pointer(usage.foreign);
	free(usage.foreign);
	return looked < 0 ? -1 : *path != NULL;
}

static int count_layer(struct usage *usage, const char *layer, struct error *err)
{
	if (!layer || access(layer, F_OK) < 0)
		return 0;
	usage->by_extent = extents_can_be_shared(layer);
	return look_through(usage, layer, err);
}

int layer_exclusive(const char *const *layers, size_t count, int64_t *bytes, struct error *err)
{
	struct usage usage = { .exclusive = true };
	int counted = 0;

	for (size_t i = 0; counted == 0 && i < count; i++) {
		usage.bytes = 0;
		counted = count_layer(&usage, layers[i], err);
		bytes[i] = usage.bytes;
	}
	inodes_release(&usage.inodes);
	return counted;
}
