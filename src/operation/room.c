#include "operation/room.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "workspace/disk_space.h"

/* What is written besides, as in the filesystem's own tables. */
#define BESIDES_BYTES ((uint64_t)1 << 20)

static bool is_overlay(int root)
{
	struct statfs status;

	return fstatfs(root, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
}

static int cost_of(struct replace *replace, const char *upper, struct replace_cost *cost, struct error *err)
{
	cleanup_fd int folder = -1;

	if (is_overlay(replace->root)) {
		folder = open(upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder < 0)
			return error_errno(err, ERROR_FAILED, errno, "cannot open the folder '%s'", upper);
	}
	return replace_cost(replace, folder, cost, err);
}

int room_check(struct replace *replace, const char *upper, uint64_t *rest, struct error *err)
{
	struct replace_cost cost;

	*rest = 0;
	if (!upper)
		return 0;
	if (cost_of(replace, upper, &cost, err) < 0)
		return -1;
	*rest = cost.rest;
	return disk_space_check_for(upper, cost.files + cost.rest, cost.entries, "restoring files", err);
}

int room_hold(const char *upper, uint64_t rest, int *held, struct error *err)
{
	cleanup_fd int file = upper ? open(upper, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;

	*held = -1;
	if (file < 0)
		return 0;
	if (fallocate(file, 0, 0, (off_t)(rest + BESIDES_BYTES)) < 0) {
		if (errno != EOPNOTSUPP)
			return error_errno(err, ERROR_FAILED, errno,
					   "the filesystem of '%s' has no room for restoring files", upper);
		return 0;
	}
	*held = steal_fd(&file);
	return 0;
}
