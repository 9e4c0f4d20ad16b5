#include "live/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/attributes.h"
#include "layer/content.h"
#include "layer/entry_copy.h"
#include "layer/handle.h"
#include "layer/layer.h"
#include "layer/listing.h"
#include "layer/marks.h"
#include "layer/metadata.h"
#include "layer/moved.h"
#include "layer/regular.h"
#include "live/patch.h"
#include "live/nodes.h"

int copier_begin(struct copier *copier, enum layer_marks marks, int layer, struct error *err)
{
	*copier = (struct copier){ .layer = layer, .clones = content_can_clone(layer) };
	copier->buffer = malloc(sizeof(*copier->buffer));
	if (!copier->buffer)
		return error_memory(err);
	copier->buffer->marks = marks;
	return layer < 0 ? 0 : xattrs_remove_acls(layer, ".", err);
}

void copier_release(struct copier *copier)
{
	inodes_release(&copier->links);
	free(steal_pointer(copier->buffer));
	free(steal_pointer(copier->whiteout));
}

/* A store through a shared mapping into a page that is dirty already changes no time of the file. Writing the page
 * back protects it again, so that the next store shows. */
static void write_back(struct copier *copier, int file)
{
	if (copier->sync)
		copier->synced = sync_file_range(file, 0, 0,
						 SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
							 SYNC_FILE_RANGE_WAIT_AFTER) == 0;
}

/* Whether what could not be copied has moved since `status` was read. */
static bool has_moved(const struct copier *copier, int from, const char *name, const struct stat *status,
		      const struct error *failure)
{
	return entry_has_moved(from, name, status, copier->frozen ? NULL : failure);
}

static int copy_file(struct copier *copier, int from, const char *name, const struct stat *status, int to,
		     struct error *err)
{
	unsigned how = (copier->clones ? CONTENT_CLONE : 0) | (copier->frozen ? 0 : CONTENT_WRITE_BEHIND);
	cleanup_fd int source = regular_open_same(from, name, status->st_ino);

	if (source < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", name);
	write_back(copier, source);
	return entry_copy_file(source, status->st_size, to, name, how, &copier->bytes, err);
}

/* What is made in a folder that has its metadata already gets an ACL from it, which the original may not have. */
static int drop_inherited(struct copier *copier, int to, const char *name, struct error *err)
{
	return copier->inherited ? xattrs_remove_acls(to, name, err) : 0;
}

static int make_new(struct copier *copier, int from, const char *name, const struct stat *status, int to,
		    struct error *err)
{
	copier->entries++;
	if ((S_ISREG(status->st_mode) ? copy_file(copier, from, name, status, to, err)
				      : entry_copy_special(from, status, to, name, err)) < 0 ||
	    drop_inherited(copier, to, name, err) < 0)
		return -1;
	return metadata_copy(from, name, status, to, name, copier->buffer, err);
}

/* The new layer's file has an earlier state of the same inode. */
static int bring_up_to_date(struct copier *copier, int from, const char *name, const struct stat *status, int to,
			    struct error *err)
{
	cleanup_fd int source = regular_open_same(from, name, status->st_ino);
	cleanup_fd int copy = -1;

	copier->entries++;
	if (source < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", name);
	write_back(copier, source);
	copy = openat(to, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (copy < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the copy of '%s'", name);
	if (patch_content(source, copy, status->st_size, copier->clones, &copier->bytes) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot copy '%s'", name);
	if (xattrs_remove_all(to, name, copier->buffer, err) < 0)
		return -1;
	return metadata_copy(from, name, status, to, name, copier->buffer, err);
}

static int remember(struct copier *copier, const struct stat *status, const char *name, int to, struct error *err)
{
	struct inode *known = inodes_find(&copier->links, status);
	struct file_handle *handle = handle_of(to, name);

	if (!handle)
		return error_errno(err, ERROR_FAILED, errno, "cannot find '%s' again", name);
	if (known) {
		free(known->copy);
		known->copy = handle;
	} else if (inodes_add(&copier->links, status, handle, err) < 0) {
		return -1;
	} else {
		known = inodes_find(&copier->links, status);
	}
	known->names = copier->round;
	known->time = nodes_ctime(status);
	return 0;
}

/* Makes `name` one more name of the copy: 1, or 0 when the copy is gone or of another kind. */
static int join_copy(struct copier *copier, struct inode *known, const struct stat *status, const char *name, int to,
		     struct error *err)
{
	cleanup_fd int copy = handle_open(copier->layer, known->copy, O_PATH);
	struct stat there, wanted;

	if (copy < 0 && errno != ESTALE && errno != ENOENT)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the copy of '%s'", name);
	if (copy < 0 || fstat(copy, &wanted) < 0 || (wanted.st_mode & S_IFMT) != (status->st_mode & S_IFMT))
		return 0;
	if (fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
		if (there.st_ino == wanted.st_ino)
			return 1;
		if (copier_remove(to, name, err) < 0)
			return -1;
	}
	if (linkat(copy, "", to, name, AT_EMPTY_PATH) == 0)
		return 1;
	if (errno == ENOENT || errno == EMLINK)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "cannot link '%s'", name);
}

static int put_linked(struct copier *copier, int from, const char *name, const struct stat *status, int to,
		      struct error *err)
{
	struct inode *known = inodes_find(&copier->links, status);
	bool seen = known && known->names == copier->round;
	bool done = seen && known->time == nodes_ctime(status) && !copier->sync;
	int joined = 0;

	if (known && (S_ISREG(status->st_mode) || done))
		joined = join_copy(copier, known, status, name, to, err);
	if (joined < 0)
		return -1;
	if (joined && done)
		return 0;
	copier->fresh = !seen;
	if (joined) {
		known->names = copier->round;
		known->time = nodes_ctime(status);
		return bring_up_to_date(copier, from, name, status, to, err);
	}
	if (copier_remove(to, name, err) < 0 || make_new(copier, from, name, status, to, err) < 0)
		return -1;
	return remember(copier, status, name, to, err);
}

static int put(struct copier *copier, int from, const char *name, const struct stat *status, int to, bool there,
	       struct error *err)
{
	if (status->st_nlink > 1)
		return put_linked(copier, from, name, status, to, err);
	if (there)
		return bring_up_to_date(copier, from, name, status, to, err);
	return make_new(copier, from, name, status, to, err);
}

int copier_put(struct copier *copier, int from, const char *name, const struct stat *status, int to, bool there,
	       struct error *err)
{
	if (put(copier, from, name, status, to, there, err) == 0)
		return 1;
	if (!has_moved(copier, from, name, status, err))
		return -1;
	error_clear(err);
	return copier_remove(to, name, err);
}

int copier_make_folder(struct copier *copier, int to, const char *name, bool opaque, struct error *err)
{
	if (mkdirat(to, name, 0700) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot create the folder '%s'", name);
	if (drop_inherited(copier, to, name, err) < 0)
		return -1;
	return opaque ? marks_set_opaque(copier->buffer->marks, to, name, err) : 0;
}

int copier_finish_folder(struct copier *copier, int from, int to, struct error *err)
{
	struct stat status;
	bool done;

	if (fstat(from, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine a folder");
	done = xattrs_remove_all(to, ".", copier->buffer, err) == 0 &&
	       metadata_copy(from, ".", &status, to, ".", copier->buffer, err) == 0;
	if (fgetxattr(to, "system.posix_acl_default", NULL, 0) >= 0)
		copier->inherited = true;
	if (done)
		return 1;
	if (!has_moved(copier, from, ".", &status, err))
		return -1;
	error_clear(err);
	return 0;
}

int copier_put_whiteout(struct copier *copier, int to, const char *name, struct error *err)
{
	if (entry_put_whiteout(copier->layer, &copier->whiteout, to, name, err) < 0)
		return -1;
	return marks_set_whiteouts(copier->buffer->marks, to, ".", err);
}

int copier_remove(int to, const char *name, struct error *err)
{
	char path[64 + NAME_MAX];

	if (unlinkat(to, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return error_errno(err, ERROR_FAILED, errno, "cannot remove the copy of '%s'", name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", to, name);
	if (layer_clear(path, err) < 0)
		return -1;
	if (unlinkat(to, name, AT_REMOVEDIR) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot remove the copy of '%s'", name);
	return 0;
}
