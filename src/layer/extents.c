#include "layer/extents.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "layer/regular.h"

#define XFS_MAGIC 0x58465342 /* XFS_SUPER_MAGIC, which <linux/magic.h> lacks here and there */
#define EXTENTS_AT_ONCE 64

bool extents_can_be_shared(const char *path)
{
	struct statfs status;

	return statfs(path, &status) == 0 && (status.f_type == XFS_MAGIC || status.f_type == BTRFS_SUPER_MAGIC);
}

/* Adds up the shared extents from *offset on, which is moved behind them. 1: there are more. */
static int add_shared(int file, uint64_t *offset, int64_t *shared)
{
	_Alignas(struct fiemap) char room[sizeof(struct fiemap) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent)];
	struct fiemap *map = (struct fiemap *)room;

	memset(room, 0, sizeof(room));
	map->fm_start = *offset;
	map->fm_length = FIEMAP_MAX_OFFSET - *offset;
	map->fm_extent_count = EXTENTS_AT_ONCE;
	if (ioctl(file, FS_IOC_FIEMAP, map) < 0)
		return 0;
	for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *at = &map->fm_extents[i];

		if (at->fe_flags & FIEMAP_EXTENT_SHARED)
			*shared += (int64_t)at->fe_length;
		*offset = at->fe_logical + at->fe_length;
		if (at->fe_flags & FIEMAP_EXTENT_LAST)
			return 0;
	}
	return map->fm_mapped_extents == EXTENTS_AT_ONCE;
}

int64_t extents_exclusive(int dir, const char *name, int64_t bytes)
{
	cleanup_fd int file = regular_open(dir, name);
	uint64_t offset = 0;
	int64_t shared = 0;

	while (file >= 0 && add_shared(file, &offset, &shared) > 0)
		;
	return shared < bytes ? bytes - shared : 0;
}
