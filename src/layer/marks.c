#include "layer/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/text.h"

struct prefix {
	const char *own;     /* what overlayfs writes */
	const char *escaped; /* of an overlay mounted on top of this one: it shows, so it is content */
	const char *opaque, *origin, *whiteout;
};

#define PREFIX(own) own, own "overlay.", own "opaque", own "origin", own "whiteout"

static const struct prefix prefixes[] = {
	[LAYER_MARKS_TRUSTED] = { PREFIX("trusted.overlay.") },
	[LAYER_MARKS_USER] = { PREFIX("user.overlay.") },
};

bool marks_own(enum layer_marks kind, const char *attribute)
{
	if (kind == LAYER_MARKS_NONE)
		return false;
	return text_starts_with(attribute, prefixes[kind].own) && !text_starts_with(attribute, prefixes[kind].escaped);
}

/* Those that change nothing in what the entry shows: caches, and notes of what it was copied up from. */
static bool is_harmless(enum layer_marks kind, const char *attribute)
{
	static const char *const harmless[] = { "origin", "impure", "nlink", "upper", "uuid", "protattr" };
	const char *mark = attribute + strlen(prefixes[kind].own);

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (strcmp(mark, harmless[i]) == 0)
			return true;
	return false;
}

bool marks_is_carried(enum layer_marks kind, const char *attribute)
{
	return is_harmless(kind, attribute) || strcmp(attribute, prefixes[kind].opaque) == 0;
}

int marks_refuse(const char *attribute, const char *name, struct error *err)
{
	return error_set(err, ERROR_REFUSED, "'%s' has the overlay mark '%s', which cannot be merged", name, attribute);
}

/* 'x' says that whiteouts made of extended attributes are in it, and hides nothing. */
static int opaque_value(const struct prefix *prefix, const char *path, const char *name, struct error *err)
{
	char value[2];
	ssize_t length = lgetxattr(path, prefix->opaque, value, sizeof(value));

	if (length == 1 && (value[0] == 'y' || value[0] == 'x'))
		return value[0] == 'y';
	/* In a layer that is written to, another folder may have come under the name since the list was read. */
	if (length < 0 && errno == ENODATA)
		return 0;
	if (length < 0 && errno != ERANGE)
		return error_errno(err, ERROR_FAILED, errno, "cannot read '%s' of '%s'", prefix->opaque, name);
	return marks_refuse(prefix->opaque, name, err);
}

int marks_read_opaque(struct xattrs_buffer *buffer, int dir, const char *name, struct error *err)
{
	const char *list = buffer->list;
	enum layer_marks kind = buffer->marks;
	struct xattr_path path;
	ssize_t length = xattrs_list(xattr_path_of(&path, dir, name), name, buffer->list, err);
	int opaque = 0;

	if (length < 0)
		return -1;
	for (const char *next = list; next < list + length && opaque >= 0; next += strlen(next) + 1) {
		if (!marks_own(kind, next) || is_harmless(kind, next))
			continue;
		if (strcmp(next, prefixes[kind].opaque) == 0)
			opaque = opaque_value(&prefixes[kind], path.text, name, err);
		else
			opaque = marks_refuse(next, name, err);
	}
	return opaque;
}

int marks_entry_kind(enum layer_marks kind, int dir, const char *name, const struct stat *status,
		     enum entry_kind *entry_kind, struct error *err)
{
	struct xattr_path path;

	*entry_kind = listing_kind(status);
	if (kind == LAYER_MARKS_NONE) {
		if (*entry_kind == ENTRY_WHITEOUT)
			*entry_kind = ENTRY_OTHER;
		return 0;
	}
	if (*entry_kind != ENTRY_REGULAR || status->st_size > 0)
		return 0;
	if (lgetxattr(xattr_path_of(&path, dir, name), prefixes[kind].whiteout, NULL, 0) >= 0)
		*entry_kind = ENTRY_WHITEOUT;
	else if (errno != ENODATA && errno != ENOTSUP)
		return error_errno(err, ERROR_FAILED, errno, "cannot read '%s' of '%s'", prefixes[kind].whiteout, name);
	return 0;
}

int marks_look(enum layer_marks kind, int dir, struct entry *entry, struct error *err)
{
	struct stat status;

	if (fstatat(dir, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", entry->name);
	return marks_entry_kind(kind, dir, entry->name, &status, &entry->kind, err);
}

static int set_mark(int dir, const char *name, const char *attribute, const char *value, struct error *err)
{
	struct xattr_path path;

	if (lsetxattr(xattr_path_of(&path, dir, name), attribute, value, strlen(value), 0) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot set '%s' of '%s'", attribute, name);
	return 0;
}

int marks_set_opaque(enum layer_marks kind, int dir, const char *name, struct error *err)
{
	return set_mark(dir, name, prefixes[kind].opaque, "y", err);
}

int marks_set_whiteouts(enum layer_marks kind, int dir, const char *name, struct error *err)
{
	return set_mark(dir, name, prefixes[kind].origin, "", err);
}
