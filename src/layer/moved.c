#include "layer/moved.h"

#include <errno.h>
#include <fcntl.h>

/* Nothing of that name; a link in place of a folder; not the inode that was asked for, or shorter than it was; not a link, not a
 * regular file; no such attribute any more; nothing but a hole any more. */
static bool says_so(int number)
{
	static const int numbers[] = { ENOENT, ENOTDIR, ELOOP, ESTALE, EINVAL, ENODATA, ENXIO };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (number == numbers[i])
			return true;
	return false;
}

bool entry_has_moved(int dir, const char *name, const struct stat *was, const struct error *failure)
{
	struct stat now;

	if (failure && says_so(failure->number))
		return true;
	if (fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return failure || errno == ENOENT;
	return now.st_ino != was->st_ino || now.st_dev != was->st_dev || now.st_mode != was->st_mode ||
	       now.st_size != was->st_size || now.st_ctim.tv_sec != was->st_ctim.tv_sec ||
	       now.st_ctim.tv_nsec != was->st_ctim.tv_nsec;
}
