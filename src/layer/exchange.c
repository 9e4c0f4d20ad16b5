/* Folders of layers that are moved or change places, and telling which is which afterwards. */
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int layer_identify(const char *path, struct layer_identity *identity)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return -1;
	*identity = (struct layer_identity){ .device = status.st_dev, .inode = status.st_ino };
	return 0;
}

/* The folder that holds its name; at the path itself there may be nothing. */
static int open_above(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *above = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = above ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!above)
		return error_memory(err);
	if (fd < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", above);
	return fd;
}

/* With the flags of renameat2(2); both folders that hold the names are written back. */
static int rename_durably(const char *from, const char *to, unsigned flags, struct error *err)
{
	cleanup_fd int above_from = open_above(from, err);
	cleanup_fd int above_to = above_from < 0 ? -1 : open_above(to, err);

	if (above_from < 0 || above_to < 0)
		return -1;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot %s '%s' %s '%s'",
				   flags & RENAME_EXCHANGE ? "exchange" : "move", from,
				   flags & RENAME_EXCHANGE ? "and" : "to", to);
	if (fsync(above_from) < 0 || fsync(above_to) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write back where '%s' and '%s' lie", from, to);
	return 0;
}

int layer_exchange(const char *a, const char *b, struct error *err)
{
	return rename_durably(a, b, RENAME_EXCHANGE, err);
}

int layer_move(const char *from, const char *to, struct error *err)
{
	return rename_durably(from, to, 0, err);
}

int layer_make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", path);
}
