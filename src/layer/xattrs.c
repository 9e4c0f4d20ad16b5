#include "layer/xattrs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/text.h"

#define OVERLAY_PREFIX "trusted.overlay."
#define OVERLAY_OPAQUE OVERLAY_PREFIX "opaque"
#define OVERLAY_ORIGIN OVERLAY_PREFIX "origin"

/* Attributes of an overlay mounted on top of this one: they show, so they are content. */
#define OVERLAY_ESCAPED OVERLAY_PREFIX "overlay."

/* There are no *xattrat() calls before Linux 6.13; a name behind a descriptor in /proc does the same. */
struct xattr_path {
	char text[sizeof("/proc/self/fd//") + 12 + NAME_MAX];
};

static const char *path_of(struct xattr_path *path, int dir, const char *name)
{
	snprintf(path->text, sizeof(path->text), "/proc/self/fd/%d/%s", dir, name);
	return path->text;
}

static bool is_private(const char *attribute)
{
	return text_starts_with(attribute, OVERLAY_PREFIX) && !text_starts_with(attribute, OVERLAY_ESCAPED);
}

/* Private marks that say nothing about what the entry shows: where an upper layer got it from, and caches. */
static bool is_harmless(const char *attribute)
{
	static const char *const harmless[] = { "origin", "impure", "nlink", "upper", "uuid", "protattr" };
	const char *mark = attribute + strlen(OVERLAY_PREFIX);

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (strcmp(mark, harmless[i]) == 0)
			return true;
	return false;
}

/* Bytes of the names in `list`, each ended by a NUL. Filesystems without attributes have none. */
static ssize_t list_names(const char *path, const char *name, char list[static XATTRS_LIST_SIZE], struct error *err)
{
	ssize_t length = llistxattr(path, list, XATTRS_LIST_SIZE);

	if (length >= 0)
		return length;
	if (errno == ENOTSUP)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "cannot list the extended attributes of '%s'", name);
}

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

static int refuse_mark(const char *attribute, const char *name, struct error *err)
{
	error_set(err, ERROR_REFUSED, "'%s' has the overlay mark '%s', which cannot be merged", name, attribute);
	return error_hint(err, "mount overlays with redirect_dir=off and metacopy=off");
}

static int read_opaque(const char *path, const char *name, bool *opaque, struct xattrs_buffer *buffer,
		       struct error *err)
{
	ssize_t length = get_value(path, name, OVERLAY_OPAQUE, buffer->value, err);

	if (length < 0)
		return -1;
	if (length != 1 || buffer->value[0] != 'y') /* 'x': whiteouts made of extended attributes */
		return refuse_mark(OVERLAY_OPAQUE, name, err);
	*opaque = true;
	return 0;
}

int xattrs_read_marks(int dir, const char *name, bool *opaque, struct xattrs_buffer *buffer, struct error *err)
{
	struct xattr_path path;
	ssize_t length = list_names(path_of(&path, dir, name), name, buffer->list, err);

	*opaque = false;
	if (length < 0)
		return -1;
	for (const char *next = buffer->list; next < buffer->list + length; next += strlen(next) + 1) {
		if (!is_private(next) || is_harmless(next))
			continue;
		if (strcmp(next, OVERLAY_OPAQUE) != 0)
			return refuse_mark(next, name, err);
		if (read_opaque(path.text, name, opaque, buffer, err) < 0)
			return -1;
	}
	return 0;
}

int xattrs_copy(int from, const char *from_name, int to, const char *to_name, struct xattrs_buffer *buffer,
		struct error *err)
{
	struct xattr_path source, target;
	ssize_t length = list_names(path_of(&source, from, from_name), from_name, buffer->list, err);

	if (length < 0)
		return -1;
	path_of(&target, to, to_name);
	for (const char *next = buffer->list; next < buffer->list + length; next += strlen(next) + 1) {
		ssize_t size;

		if (is_private(next)) {
			if (!is_harmless(next) && strcmp(next, OVERLAY_OPAQUE) != 0)
				return refuse_mark(next, from_name, err);
			continue;
		}
		size = get_value(source.text, from_name, next, buffer->value, err);
		if (size < 0 || set_value(target.text, to_name, next, buffer->value, (size_t)size, err) < 0)
			return -1;
	}
	return 0;
}

int xattrs_remove_acls(int dir, const char *name, struct error *err)
{
	static const char *const acls[] = { "system.posix_acl_default", "system.posix_acl_access" };
	struct xattr_path path;

	path_of(&path, dir, name);
	for (size_t i = 0; i < sizeof(acls) / sizeof(*acls); i++)
		if (lremovexattr(path.text, acls[i]) < 0 && errno != ENODATA && errno != ENOTSUP)
			return error_errno(err, ERROR_FAILED, errno, "cannot remove '%s' of '%s'", acls[i], name);
	return 0;
}

/* Whether all that `a` has is the same in `b`; counts what it has. */
static int all_equal(const char *list, size_t length, const char *a, const char *b, size_t *count,
		     struct xattrs_buffer *buffer, struct error *err)
{
	*count = 0;
	for (const char *next = list; next < list + length; next += strlen(next) + 1) {
		ssize_t size, other;

		if (is_private(next))
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

static size_t count_public(const char *list, size_t length)
{
	size_t count = 0;

	for (const char *next = list; next < list + length; next += strlen(next) + 1)
		count += !is_private(next);
	return count;
}

int xattrs_equal(int a, const char *a_name, int b, const char *b_name, struct xattrs_buffer *buffer, struct error *err)
{
	struct xattr_path a_path, b_path;
	ssize_t a_length = list_names(path_of(&a_path, a, a_name), a_name, buffer->list, err);
	ssize_t b_length = list_names(path_of(&b_path, b, b_name), b_name, buffer->other_list, err);
	size_t count;
	int equal;

	if (a_length < 0 || b_length < 0)
		return -1;
	equal = all_equal(buffer->list, (size_t)a_length, a_path.text, b_path.text, &count, buffer, err);
	if (equal <= 0)
		return equal;
	return count == count_public(buffer->other_list, (size_t)b_length);
}

int xattrs_mark_opaque(int dir, const char *name, struct error *err)
{
	struct xattr_path path;

	return set_value(path_of(&path, dir, name), name, OVERLAY_OPAQUE, "y", 1, err);
}

int xattrs_mark_whiteouts(int dir, const char *name, struct error *err)
{
	struct xattr_path path;

	return set_value(path_of(&path, dir, name), name, OVERLAY_ORIGIN, "", 0, err);
}
