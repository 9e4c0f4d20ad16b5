#include "workspace/whole_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

static char *mark_of(const char *folder, struct error *err)
{
	char *path = text_format("%s.wsnap-whole", folder);

	if (!path)
		error_memory(err);
	return path;
}

int whole_layer_mark(const char *folder, struct error *err)
{
	cleanup_free char *path = mark_of(folder, err);
	cleanup_fd int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

	if (!path)
		return -1;
	return fd < 0 ? error_errno(err, ERROR_FAILED, errno, "'%s' cannot be made", path) : 0;
}

int whole_layer_unmark(const char *folder, struct error *err)
{
	cleanup_free char *path = mark_of(folder, err);

	if (!path)
		return -1;
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be removed", path);
}

int whole_layer_is_marked(const char *folder, struct error *err)
{
	cleanup_free char *path = mark_of(folder, err);

	if (!path)
		return -1;
	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(err, ERROR_FAILED, errno, "'%s' cannot be looked at", path);
}
