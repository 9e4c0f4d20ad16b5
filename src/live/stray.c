#include "live/stray.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "live/frame.h"

int stray_add(struct pass *pass, const struct stat *status, struct error *err)
{
	struct stat *strays = reallocarray(pass->strays, pass->stray_count + 1, sizeof(*strays));

	if (!strays)
		return error_memory(err);
	pass->strays = strays;
	strays[pass->stray_count++] = *status;
	return 0;
}

bool stray_is(const struct pass *pass, const struct stat *status)
{
	for (size_t i = 0; S_ISREG(status->st_mode) && i < pass->stray_count; i++)
		if (nodes_ctime(&pass->strays[i]) == nodes_ctime(status) && pass->strays[i].st_size == status->st_size)
			return true;
	return false;
}

/*
 * Where all layers lie on one filesystem, an overlay shows a file under its own device and with an inode number of that
 * filesystem: the file's own in the writable layer, or that of the file below that it was copied up from, which no file of
 * the writable layer has. btrfs gives each number once in every subvolume.
 */
static bool numbers_tell(const struct pass *pass)
{
	struct statfs status;

	return fstatfs(pass->upper, &status) == 0 && status.f_type != BTRFS_SUPER_MAGIC;
}

/* Whether the layer has the file under the entry's name, in the state that the overlay shows. */
static bool is_at(struct pass *pass, uint32_t id, const struct stat *stray)
{
	const struct node *node = nodes_node(pass->tree, id);
	struct error ignored = { 0 };
	struct pass_frame frame;
	struct stat status;
	bool same;

	if (node->kind != NODE_REGULAR || frame_open(pass, node->parent, &frame, &ignored) != 0)
		return false;
	same = fstatat(frame.upper, nodes_name(pass->tree, id), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       status.st_ino == stray->st_ino && watch_is_same(&status, stray);
	frame_close(&frame);
	return same;
}

static bool is_known(struct pass *pass, const struct stat *stray)
{
	uint32_t id = nodes_by_inode(pass->tree, stray->st_ino);

	while (id != NODE_NONE && !is_at(pass, id, stray))
		id = nodes_next_by_inode(pass->tree, id);
	return id != NODE_NONE;
}

int stray_find(struct pass *pass, dev_t overlay, struct moves *moves, struct error *err)
{
	bool all = true;

	for (size_t i = 0; i < pass->stray_count; i++) {
		const struct stat *stray = &pass->strays[i];

		if (stray->st_dev != overlay || !numbers_tell(pass) || !is_known(pass, stray))
			all = false;
		else if (moves_add(moves, stray->st_ino, MOVES_INODE, MOVE_CONTENT, err) < 0)
			return -1;
	}
	return all;
}
