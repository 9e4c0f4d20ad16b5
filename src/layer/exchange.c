/* Folders of layers that change places, and telling which is which afterwards. */
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

int layer_identify(const char *path, struct layer_identity *identity)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return -1;
	*identity = (struct layer_identity){ .device = status.st_dev, .inode = status.st_ino };
	return 0;
}

/* The folder above it: that holds its name. */
static int open_above(const char *path, struct error *err)
{
	cleanup_free char *above = text_format("%s/..", path);
	int fd = above ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!above)
		return error_memory(err);
	if (fd < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", above);
	return fd;
}

int layer_exchange(const char *a, const char *b, struct error *err)
{
	cleanup_fd int above_a = open_above(a, err);
	cleanup_fd int above_b = above_a < 0 ? -1 : open_above(b, err);

	if (above_a < 0 || above_b < 0)
		return -1;
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot exchange '%s' and '%s'", a, b);
	if (fsync(above_a) < 0 || fsync(above_b) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write back where '%s' and '%s' lie", a, b);
	return 0;
}
