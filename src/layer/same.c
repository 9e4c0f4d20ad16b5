#include "layer/same.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/attributes.h"
#include "layer/content.h"
#include "layer/marks.h"
#include "layer/regular.h"

static bool same_status(const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return false;
	if (S_ISDIR(a->st_mode))
		return true;
	return a->st_size == b->st_size && a->st_rdev == b->st_rdev && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int same_content(struct same *same, int a, int b, const char *name, off_t size, struct error *err)
{
	cleanup_fd int left = -1;
	cleanup_fd int right = -1;
	int equal = -1;

	if (size > same->file_limit || size > same->bytes_limit)
		return 0;
	same->bytes_limit -= size;
	left = regular_open(a, name);
	if (left >= 0)
		right = regular_open(b, name);
	if (right >= 0)
		equal = content_equal(left, right, size);
	if (equal < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot compare '%s'", name);
	return equal;
}

/* Marks that say that the content is elsewhere: what is in the file says nothing then. */
static int has_content(struct same *same, int dir, const char *name, struct error *err)
{
	if (marks_read_opaque(same->buffer, dir, name, err) >= 0)
		return 1;
	return error_forgive(err, ERROR_REFUSED) ? 0 : -1;
}

static int same_files(struct same *same, int a, int b, const char *name, off_t size, struct error *err)
{
	int readable = has_content(same, a, name, err);

	if (readable > 0)
		readable = has_content(same, b, name, err);
	return readable > 0 ? same_content(same, a, b, name, size, err) : readable;
}

static int same_links(int a, int b, const char *name, struct error *err)
{
	char left[PATH_MAX], right[PATH_MAX];
	ssize_t length = readlinkat(a, name, left, sizeof(left));
	ssize_t other = readlinkat(b, name, right, sizeof(right));

	if (length < 0 || other < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot read the link '%s'", name);
	return length == other && memcmp(left, right, (size_t)length) == 0;
}

int same_entries(struct same *same, int a, const struct stat *a_status, int b, const struct stat *b_status,
		 const char *name, struct error *err)
{
	int equal;

	if (a_status->st_dev == b_status->st_dev && a_status->st_ino == b_status->st_ino)
		return 1;
	if (!same_status(a_status, b_status))
		return 0;
	equal = xattrs_equal(a, name, b, name, same->buffer, err);
	if (equal > 0 && S_ISREG(a_status->st_mode))
		equal = same_files(same, a, b, name, a_status->st_size, err);
	else if (equal > 0 && S_ISLNK(a_status->st_mode))
		equal = same_links(a, b, name, err);
	return equal;
}
