#include "layer/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/layer.h"

/* O_PATH opens nothing (open(2)), and what it found is what is opened then: the name is not asked for again. 0 stands
 * for any inode. */
static int open_found(int found, ino_t inode)
{
	char path[sizeof("/proc/self/fd/") + 12];
	struct stat status;

	if (found < 0 || fstat(found, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	if (inode != 0 && status.st_ino != inode) {
		errno = ESTALE;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	return open(path, O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
}

int regular_open(int dir, const char *name)
{
	cleanup_fd int found = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return open_found(found, 0);
}

int regular_open_same(int dir, const char *name, ino_t inode)
{
	cleanup_fd int found = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return open_found(found, inode);
}

int layer_open_file(const char *root, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	cleanup_fd int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int found = top >= 0 ? (int)syscall(SYS_openat2, top, path, &how, sizeof(how)) : -1;

	return open_found(found, 0);
}
