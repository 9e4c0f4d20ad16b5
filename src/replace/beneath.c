#include "replace/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel takes paths of less than PATH_MAX bytes. A longer one is gone down in parts. */
#define MOST_BYTES 4000

static int open_part(int folder, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)(flags | O_DIRECTORY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof(how));
}

/* Where the first part of a long path ends: at its last '/' that fits. */
static size_t part_length(const char *path)
{
	size_t length = MOST_BYTES;

	while (length > 0 && path[length] != '/')
		length--;
	return length;
}

int beneath_open(int root, const char *path, int flags)
{
	cleanup_fd int at = -1;

	while (strlen(path) > MOST_BYTES) {
		size_t length = part_length(path);
		cleanup_free char *part = strndup(path, length);
		int next = part ? open_part(at >= 0 ? at : root, part, O_PATH) : -1;

		if (next < 0)
			return -1;
		if (at >= 0)
			close(at);
		at = next;
		path += length + 1;
	}
	return open_part(at >= 0 ? at : root, path, flags);
}

void beneath_forget(struct beneath *beneath)
{
	if (beneath->folder >= 0)
		close(beneath->folder);
	beneath->folder = -1;
	free(beneath->path);
	beneath->path = NULL;
}

void beneath_release(struct beneath *beneath)
{
	beneath_forget(beneath);
}

int beneath_parent(struct beneath *beneath, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : *path ? path : ".";
	if (beneath->folder >= 0 && strncmp(beneath->path, path, length) == 0 && beneath->path[length] == '\0')
		return beneath->folder;
	beneath_forget(beneath);
	beneath->path = strndup(path, length);
	if (!beneath->path) {
		errno = ENOMEM;
		return -1;
	}
	beneath->folder = beneath_open(beneath->root, beneath->path, O_RDONLY);
	return beneath->folder;
}

bool beneath_is_mount(int folder, const char *name)
{
	struct statx status;

	return statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &status) == 0 && strcmp(name, ".") != 0 &&
	       (status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

bool beneath_is_gone(int number)
{
	return number == ENOENT || number == ENOTDIR || number == ELOOP || number == EXDEV;
}
