#include "layer/attributes.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/text.h"
#include "layer/marks.h"

static ssize_t get_value(const char *path, const char *name, const char *attribute,
			 char value[static XATTRS_VALUE_SIZE], struct error *err)
{
	ssize_t length = lgetxattr(path, attribute, value, XATTRS_VALUE_SIZE);

	if (length >= 0)
		return length;
	return error_errno(err, ERROR_FAILED, errno, "cannot read '%s' of '%s'", attribute, name);
}

static int set_value(const char *path, const char *name, const char *attribute, const void *value, size_t length,
		     struct error *err)
{
	if (lsetxattr(path, attribute, value, length, 0) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot set '%s' of '%s'", attribute, name);
	return 0;
}

/* 1: it is content, and is copied; 0: it is overlayfs's own, and the copy does without it; -1: it is overlayfs's
 * own, and the copy would not show the same without it. */
static int is_content(enum layer_marks marks, const char *attribute, const char *name, struct error *err)
{
	if (!marks_own(marks, attribute))
		return 1;
	return marks_is_carried(marks, attribute) ? 0 : marks_refuse(attribute, name, err);
}

int xattrs_copy(int from, const char *from_name, int to, const char *to_name, struct xattrs_buffer *buffer,
		struct error *err)
{
	struct xattr_path source, target;
	ssize_t length = xattrs_list(xattr_path_of(&source, from, from_name), from_name, buffer->list, err);

	if (length < 0)
		return -1;
	xattr_path_of(&target, to, to_name);
	for (const char *next = buffer->list; next < buffer->list + length; next += strlen(next) + 1) {
		int content = is_content(buffer->marks, next, from_name, err);
		ssize_t size;

		if (content < 0)
			return -1;
		if (content == 0)
			continue;
		size = get_value(source.text, from_name, next, buffer->value, err);
		if (size < 0 || set_value(target.text, to_name, next, buffer->value, (size_t)size, err) < 0)
			return -1;
	}
	return 0;
}

int xattrs_remove_all(int dir, const char *name, struct xattrs_buffer *buffer, struct error *err)
{
	struct xattr_path path;
	ssize_t length = xattrs_list(xattr_path_of(&path, dir, name), name, buffer->list, err);

	if (length < 0)
		return -1;
	for (const char *next = buffer->list; next < buffer->list + length; next += strlen(next) + 1) {
		/* Where a security module's own label cannot be taken off, it stays: the one that is set next
		 * replaces it. */
		if (marks_own(buffer->marks, next) || lremovexattr(path.text, next) == 0 || errno == ENODATA ||
		    text_starts_with(next, "security."))
			continue;
		return error_errno(err, ERROR_FAILED, errno, "cannot remove '%s' of '%s'", next, name);
	}
	return 0;
}

/* Whether all that `a` has is the same in `b`; counts what it has. */
static int all_equal(size_t length, const char *a, const char *b, size_t *count, struct xattrs_buffer *buffer,
		     struct error *err)
{
	*count = 0;
	for (const char *next = buffer->list; next < buffer->list + length; next += strlen(next) + 1) {
		ssize_t size, other;

		if (marks_own(buffer->marks, next))
			continue;
		++*count;
		size = get_value(a, a, next, buffer->value, err);
		if (size < 0)
			return -1;
		other = lgetxattr(b, next, buffer->other_value, sizeof(buffer->other_value));
		if (other != size || memcmp(buffer->value, buffer->other_value, (size_t)size) != 0)
			return 0;
	}
	return 1;
}

static size_t count_public(enum layer_marks marks, const char *list, size_t length)
{
	size_t count = 0;

	for (const char *next = list; next < list + length; next += strlen(next) + 1)
		count += !marks_own(marks, next);
	return count;
}

int xattrs_equal(int a, const char *a_name, int b, const char *b_name, struct xattrs_buffer *buffer, struct error *err)
{
	struct xattr_path a_path, b_path;
	ssize_t a_length = xattrs_list(xattr_path_of(&a_path, a, a_name), a_name, buffer->list, err);
	ssize_t b_length = xattrs_list(xattr_path_of(&b_path, b, b_name), b_name, buffer->other_list, err);
	size_t count;
	int equal;

	if (a_length < 0 || b_length < 0)
		return -1;
	equal = all_equal((size_t)a_length, a_path.text, b_path.text, &count, buffer, err);
	if (equal <= 0)
		return equal;
	return count == count_public(buffer->marks, buffer->other_list, (size_t)b_length);
}
