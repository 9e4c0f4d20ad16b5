/* The filesystem that layers lie on: writing it back, and its free space. */
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/extents.h"

int layer_sync(const char *path, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", path);
	if (syncfs(fd) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write back the filesystem of '%s'", path);
	return 0;
}

bool layer_shares_content(const char *path)
{
	return extents_can_be_shared(path);
}

int layer_space(const char *path, struct layer_space *space, struct error *err)
{
	struct statvfs status;

	if (statvfs(path, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine the filesystem of '%s'", path);
	*space = (struct layer_space){
		.free_bytes = (uint64_t)status.f_bfree * status.f_frsize,
		.total_bytes = (uint64_t)status.f_blocks * status.f_frsize,
		.free_inodes = status.f_ffree,
		.total_inodes = status.f_files,
	};
	return 0;
}
