#include "layer/metadata.h"
#include "layer/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A change of owner takes capabilities and setuid bits away, an ACL sets the group's bits of the
 * mode: hence the order. */
int metadata_copy(int from, const char *from_name, const struct stat *status, int to, const char *to_name,
		  struct xattrs_buffer *buffer, struct error *err)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };

	if (fchownat(to, to_name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot set the owner of '%s'", to_name);
	if (xattrs_copy(from, from_name, to, to_name, buffer, err) < 0)
		return -1;
	if (!S_ISLNK(status->st_mode) && fchmodat(to, to_name, status->st_mode & 07777, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot set the mode of '%s'", to_name);
	if (utimensat(to, to_name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot set the times of '%s'", to_name);
	return 0;
}
