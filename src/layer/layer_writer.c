#include "layer/layer_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/content.h"
#include "layer/entry_copy.h"
#include "layer/handle.h"
#include "layer/marks.h"
#include "layer/metadata.h"
#include "layer/regular.h"

int layer_writer_begin(struct layer_writer *writer, enum layer_marks marks, int target, struct error *err)
{
	*writer = (struct layer_writer){ .target = target, .clones = content_can_clone(target) };
	writer->buffer = malloc(sizeof(*writer->buffer));
	if (!writer->buffer)
		return error_memory(err);
	writer->buffer->marks = marks;
	return 0;
}

static int copy_file(struct layer_writer *writer, int from, const char *name, const struct stat *status, int to,
		     struct error *err)
{
	unsigned how = CONTENT_WRITE_BEHIND | (writer->clones ? CONTENT_CLONE : 0);
	cleanup_fd int source = regular_open(from, name);

	if (source < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", name);
	return entry_copy_file(source, status->st_size, to, name, how, &writer->copied_bytes, err);
}

static int copy_entry(struct layer_writer *writer, int from, const char *name, const struct stat *status, int to,
		      struct error *err)
{
	if ((S_ISREG(status->st_mode) ? copy_file(writer, from, name, status, to, err)
				      : entry_copy_special(from, status, to, name, err)) < 0)
		return -1;
	return metadata_copy(from, name, status, to, name, writer->buffer, err);
}

/* The copy is found by its handle: a descriptor for each would be too many. */
static int link_copy(struct layer_writer *writer, const struct inode *inode, const char *name, int to,
		     struct error *err)
{
	cleanup_fd int copy = handle_open(writer->target, inode->copy, O_PATH);

	if (copy < 0 || linkat(copy, "", to, name, AT_EMPTY_PATH) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot link '%s'", name);
	return 0;
}

static int remember_copy(struct layer_writer *writer, const struct stat *status, const char *name, int to,
			 struct error *err)
{
	struct file_handle *handle = handle_of(to, name);

	if (!handle)
		return error_errno(err, ERROR_FAILED, errno, "cannot find '%s' again", name);
	return inodes_add(&writer->inodes, status, handle, err);
}

static int put_copy(struct layer_writer *writer, int from, const struct entry *entry, int to, struct error *err)
{
	const struct inode *known;
	struct stat status;

	if (fstatat(from, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", entry->name);
	if (status.st_nlink == 1)
		return copy_entry(writer, from, entry->name, &status, to, err);
	known = inodes_find(&writer->inodes, &status);
	if (known)
		return link_copy(writer, known, entry->name, to, err);
	if (copy_entry(writer, from, entry->name, &status, to, err) < 0)
		return -1;
	return remember_copy(writer, &status, entry->name, to, err);
}

/* Extended attributes are looked at too: what cannot be carried over is to be found before anything is written. */
static int measure(struct layer_writer *writer, int from, const struct entry *entry, struct error *err)
{
	struct stat status;

	if (entry->kind == ENTRY_WHITEOUT)
		return 0;
	if (fstatat(from, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", entry->name);
	if (marks_read_opaque(writer->buffer, from, entry->name, err) < 0)
		return -1;
	if (status.st_nlink > 1 && inodes_find(&writer->inodes, &status))
		return 0;
	if (!writer->clones && S_ISREG(status.st_mode))
		writer->copied_bytes += (uint64_t)status.st_blocks * 512;
	return status.st_nlink > 1 ? inodes_add(&writer->inodes, &status, NULL, err) : 0;
}

int layer_writer_put(struct layer_writer *writer, int from, const struct entry *entry, int to, struct error *err)
{
	if (writer->measures)
		return measure(writer, from, entry, err);
	if (entry->kind == ENTRY_WHITEOUT)
		return entry_put_whiteout(writer->target, &writer->whiteout, to, entry->name, err);
	return put_copy(writer, from, entry, to, err);
}

void layer_writer_release(struct layer_writer *writer)
{
	inodes_release(&writer->inodes);
	free(steal_pointer(writer->buffer));
	free(steal_pointer(writer->whiteout));
}
