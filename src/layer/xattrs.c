#include "layer/xattrs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

const char *xattr_path_of(struct xattr_path *path, int dir, const char *name)
{
	snprintf(path->text, sizeof(path->text), "/proc/self/fd/%d/%s", dir, name);
	return path->text;
}

/* (Linux, fs/xfs/xfs_xattr.c: an ACL is listed under both names.) */
static bool is_raw(const char *attribute)
{
	return strcmp(attribute, "trusted.SGI_ACL_FILE") == 0 || strcmp(attribute, "trusted.SGI_ACL_DEFAULT") == 0;
}

ssize_t xattrs_drop_raw(char *list, ssize_t length)
{
	ssize_t kept = 0;

	for (ssize_t at = 0; at < length;) {
		ssize_t size = (ssize_t)strlen(list + at) + 1;

		if (!is_raw(list + at)) {
			memmove(list + kept, list + at, (size_t)size);
			kept += size;
		}
		at += size;
	}
	return length < 0 ? length : kept;
}

ssize_t xattrs_list(const char *path, const char *name, char list[static XATTRS_LIST_SIZE], struct error *err)
{
	ssize_t length = llistxattr(path, list, XATTRS_LIST_SIZE);

	if (length >= 0)
		return xattrs_drop_raw(list, length);
	if (errno == ENOTSUP)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "cannot list the extended attributes of '%s'", name);
}

int xattrs_remove_acls(int dir, const char *name, struct error *err)
{
	static const char *const acls[] = { "system.posix_acl_default", "system.posix_acl_access" };
	struct xattr_path path;

	xattr_path_of(&path, dir, name);
	for (size_t i = 0; i < sizeof(acls) / sizeof(*acls); i++)
		if (lremovexattr(path.text, acls[i]) < 0 && errno != ENODATA && errno != ENOTSUP)
			return error_errno(err, ERROR_FAILED, errno, "cannot remove '%s' of '%s'", acls[i], name);
	return 0;
}
