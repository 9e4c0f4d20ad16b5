#include "layer/entry_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/content.h"
#include "layer/handle.h"

int entry_copy_file(int source, off_t size, int to, const char *name, unsigned how, uint64_t *copied_bytes,
		    struct error *err)
{
	cleanup_fd int copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (copy < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", name);
	if (content_copy(source, copy, size, how, copied_bytes) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot copy '%s'", name);
	return 0;
}

static int copy_link(int from, int to, const char *name, struct error *err)
{
	char content[PATH_MAX];
	ssize_t length = readlinkat(from, name, content, sizeof(content) - 1);

	if (length < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot read the link '%s'", name);
	content[length] = '\0';
	if (symlinkat(content, to, name) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", name);
	return 0;
}

int entry_copy_special(int from, const struct stat *status, int to, const char *name, struct error *err)
{
	if (S_ISLNK(status->st_mode))
		return copy_link(from, to, name, err);
	if (mknodat(to, name, (status->st_mode & S_IFMT) | 0600, status->st_rdev) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", name);
	return 0;
}

static int make_whiteout(int to, const char *name, struct error *err)
{
	if (mknodat(to, name, S_IFCHR, makedev(0, 0)) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create the whiteout of '%s'", name);
	return 0;
}

static bool is_linked(int layer, struct file_handle *whiteout, int to, const char *name)
{
	cleanup_fd int made = whiteout ? handle_open(layer, whiteout, O_PATH) : -1;

	return made >= 0 && linkat(made, "", to, name, AT_EMPTY_PATH) == 0;
}

int entry_put_whiteout(int layer, struct file_handle **whiteout, int to, const char *name, struct error *err)
{
	if (is_linked(layer, *whiteout, to, name))
		return 0;
	if (make_whiteout(to, name, err) < 0)
		return -1;
	free(*whiteout);
	*whiteout = handle_of(to, name);
	return 0;
}
