#include "layer/moved.h"

#include <errno.h>
#include <fcntl.h>

/* Nothing of that name; a link in place of a folder; not the inode that was asked for; not a link, not a regular file. */
static bool says_so(int number)
{
	return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ESTALE || number == EINVAL;
}

bool entry_has_moved(int dir, const char *name, const struct stat *was, const struct error *failure)
{
	struct stat now;

	if ((failure && says_so(failure->number)) || fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	return now.st_ino != was->st_ino || now.st_dev != was->st_dev || now.st_mode != was->st_mode ||
	       now.st_size != was->st_size || now.st_ctim.tv_sec != was->st_ctim.tv_sec ||
	       now.st_ctim.tv_nsec != was->st_ctim.tv_nsec;
}
