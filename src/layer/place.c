#include "layer/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/content.h"
#include "layer/handle.h"
#include "layer/marks.h"
#include "layer/metadata.h"
#include "layer/regular.h"

int placer_begin(struct placer *placer, enum layer_marks marks, int target, struct error *err)
{
	*placer = (struct placer){ .target = target, .clones = content_can_clone(target) };
	placer->buffer = malloc(sizeof(*placer->buffer));
	if (!placer->buffer)
		return error_memory(err);
	placer->buffer->marks = marks;
	return 0;
}

static int copy_regular(struct placer *placer, int from, const char *name, const struct stat *status, int to,
			struct error *err)
{
	cleanup_fd int source = regular_open(from, name);
	cleanup_fd int copy = -1;

	if (source < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", name);
	copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (copy < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", name);
	if (content_copy(source, copy, status->st_size, placer->clones, &placer->copied_bytes) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot copy '%s'", name);
	return 0;
}

static int copy_link(int from, const char *name, int to, struct error *err)
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

static int copy_special(const char *name, const struct stat *status, int to, struct error *err)
{
	if (mknodat(to, name, (status->st_mode & S_IFMT) | 0600, status->st_rdev) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", name);
	return 0;
}

static int copy_entry(struct placer *placer, int from, const char *name, const struct stat *status, int to,
		      struct error *err)
{
	int made;

	if (S_ISREG(status->st_mode))
		made = copy_regular(placer, from, name, status, to, err);
	else if (S_ISLNK(status->st_mode))
		made = copy_link(from, name, to, err);
	else
		made = copy_special(name, status, to, err);
	if (made < 0)
		return -1;
	return metadata_copy(from, name, status, to, name, placer->buffer, err);
}

/* The copy is found by its handle: a descriptor for each would be too many. */
static int link_copy(struct placer *placer, const struct inode *inode, const char *name, int to, struct error *err)
{
	cleanup_fd int copy = handle_open(placer->target, inode->copy, O_PATH);

	if (copy < 0 || linkat(copy, "", to, name, AT_EMPTY_PATH) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot link '%s'", name);
	return 0;
}

static int remember_copy(struct placer *placer, const struct stat *status, const char *name, int to, struct error *err)
{
	struct file_handle *handle = handle_of(to, name);

	if (!handle)
		return error_errno(err, ERROR_FAILED, errno, "cannot find '%s' again", name);
	return inodes_add(&placer->inodes, status, handle, err);
}

static int put_copy(struct placer *placer, int from, const struct entry *entry, int to, struct error *err)
{
	const struct inode *known;
	struct stat status;

	if (fstatat(from, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", entry->name);
	if (status.st_nlink == 1)
		return copy_entry(placer, from, entry->name, &status, to, err);
	known = inodes_find(&placer->inodes, &status);
	if (known)
		return link_copy(placer, known, entry->name, to, err);
	if (copy_entry(placer, from, entry->name, &status, to, err) < 0)
		return -1;
	return remember_copy(placer, &status, entry->name, to, err);
}

/* Of the kind that every overlay takes, whatever its options. */
static int put_whiteout(const char *name, int to, struct error *err)
{
	if (mknodat(to, name, S_IFCHR, makedev(0, 0)) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create '%s'", name);
	return 0;
}

/* Extended attributes are looked at too: what cannot be carried over is to be found before anything is written. */
static int measure(struct placer *placer, int from, const struct entry *entry, struct error *err)
{
	struct stat status;

	if (entry->kind == ENTRY_WHITEOUT)
		return 0;
	if (fstatat(from, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", entry->name);
	if (marks_read_opaque(placer->buffer, from, entry->name, err) < 0)
		return -1;
	if (status.st_nlink > 1 && inodes_find(&placer->inodes, &status))
		return 0;
	if (!placer->clones && S_ISREG(status.st_mode))
		placer->copied_bytes += (uint64_t)status.st_blocks * 512;
	return status.st_nlink > 1 ? inodes_add(&placer->inodes, &status, NULL, err) : 0;
}

int placer_put(struct placer *placer, int from, const struct entry *entry, int to, struct error *err)
{
	if (placer->measures)
		return measure(placer, from, entry, err);
	if (entry->kind == ENTRY_WHITEOUT)
		return put_whiteout(entry->name, to, err);
	return put_copy(placer, from, entry, to, err);
}

void placer_release(struct placer *placer)
{
	inodes_release(&placer->inodes);
	free(placer->buffer);
	placer->buffer = NULL;
}
