#include "replace/file.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/content.h"
#include "layer/regular.h"

static int copy_attributes(struct replace *replace, int from, int to, const char *name, struct error *err)
{
	struct xattrs_buffer *buffer = replace->buffer;
	ssize_t length = xattrs_drop_raw(buffer->list, flistxattr(from, buffer->list, sizeof(buffer->list)));

	if (length < 0 && errno == ENOTSUP)
		return 0;
	if (length < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot list the extended attributes of '%s'", name);
	for (const char *next = buffer->list; next < buffer->list + length; next += strlen(next) + 1) {
		ssize_t size = fgetxattr(from, next, buffer->value, sizeof(buffer->value));

		if (size < 0 || fsetxattr(to, next, buffer->value, (size_t)size, 0) < 0)
			return error_errno(err, ERROR_FAILED, errno, "cannot copy '%s' of '%s'", next, name);
	}
	return 0;
}

/* A folder's default ACL becomes its files'. */
static void remove_inherited(int to)
{
	(void)!fremovexattr(to, "system.posix_acl_access");
}

/* A change of owner takes capabilities and setuid bits away, an ACL sets the group's bits of the mode: hence the order. */
static int copy_metadata(struct replace *replace, int from, const struct stat *status, int to, const char *name,
			 struct error *err)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };

	remove_inherited(to);
	if (fchown(to, status->st_uid, status->st_gid) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot set the owner of '%s'", name);
	if (copy_attributes(replace, from, to, name, err) < 0)
		return -1;
	if (fchmod(to, status->st_mode & 07777) < 0 || futimens(to, times) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot set the mode and the times of '%s'", name);
	return 0;
}

int file_make(struct replace *replace, int folder, const char *name, const struct stat *status, int to, unsigned how,
	      struct error *err)
{
	cleanup_fd int from = regular_open(folder, name);

	if (from < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s' of the version", name);
	if (content_copy(from, to, status->st_size, how, &replace->bytes) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot copy '%s'", name);
	return copy_metadata(replace, from, status, to, name, err);
}
