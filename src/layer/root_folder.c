/* The root of a layer, which overlayfs shows with the metadata that it has in the newest layer. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "layer/layer.h"
#include "layer/metadata.h"

static int open_root(const char *layer, struct error *err)
{
	int fd = open(layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", layer);
	return fd;
}

int layer_copy_root(enum layer_marks marks, const char *from, const char *to, struct error *err)
{
	cleanup_fd int source = open_root(from, err);
	cleanup_fd int target = source < 0 ? -1 : open_root(to, err);
	cleanup_free struct xattrs_buffer *buffer = NULL;
	struct stat status;

	if (target < 0)
		return -1;
	if (fstat(source, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot look at '%s'", from);
	buffer = malloc(sizeof(*buffer));
	if (!buffer)
		return error_memory(err);
	buffer->marks = marks;
	return metadata_copy(source, ".", &status, target, ".", buffer, err);
}
