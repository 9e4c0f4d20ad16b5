#include "layer/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* O_PATH opens nothing (open(2)), and what it found is what is opened then: the name is not asked for again. */
int regular_open(int dir, const char *name)
{
	cleanup_fd int found = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[sizeof("/proc/self/fd/") + 12];
	struct stat status;

	if (found < 0 || fstat(found, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	return open(path, O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
}
