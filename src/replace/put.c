#include "replace/put.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/meter.h"
#include "layer/attributes.h"
#include "layer/metadata.h"
#include "replace/file.h"
#include "replace/going.h"
#include "replace/items.h"
#include "replace/remove.h"
#include "replace/shelf.h"
#include "replace/written.h"

/* An entry on one side. */
struct entry_at {
	bool found;
	int folder; /* -1: there is none; the side's */
	const char *name;
	struct stat status;
};

static int find(struct beneath *side, const char *path, struct entry_at *entry, struct error *err)
{
	entry->found = false;
	entry->folder = beneath_parent(side, path, &entry->name);
	if (entry->folder >= 0 && fstatat(entry->folder, entry->name, &entry->status, AT_SYMLINK_NOFOLLOW) == 0)
		entry->found = true;
	else if (!beneath_is_gone(errno))
		return error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s'", path);
	return 0;
}

static bool is_folder(const struct entry_at *entry)
{
	return entry->found && S_ISDIR(entry->status.st_mode);
}

int put_clear(struct replace *replace, const struct replace_item *item, struct error *err)
{
	struct entry_at here, there;

	if (items_is_mounted(replace, item->path))
		return 0;
	if (find(&replace->here, item->path, &here, err) < 0 || find(&replace->there, item->path, &there, err) < 0)
		return -1;
	/* Files give way to files by themselves. */
	if (!here.found || (there.found && is_folder(&here) == is_folder(&there)))
		return 0;
	return remove_entry(replace, item->path, err);
}

static int cannot(const char *what, const char *path, struct error *err)
{
	return error_errno(err, ERROR_FAILED, errno, "cannot %s '/%s'", what, path);
}

/* --- folders ------------------------------------------------------------------------------------------------ */

static int make_folder(int folder, const char *name)
{
	if (mkdirat(folder, name, 0700) == 0 || errno == EEXIST)
		return 0;
	return errno == EPERM && loosen(folder, name) ? mkdirat(folder, name, 0700) : -1;
}

static int copy_metadata(struct replace *replace, const struct entry_at *there, int folder, const char *name,
			 struct error *err)
{
	if (xattrs_remove_all(folder, name, replace->buffer, err) < 0)
		return -1;
	return metadata_copy(there->folder, there->name, &there->status, folder, name, replace->buffer, err);
}

static int put_folder(struct replace *replace, const char *path, const struct entry_at *there, int folder,
		      const char *name, struct error *err)
{
	struct error first = { 0 };

	if (*path && make_folder(folder, name) < 0)
		return cannot("create the folder", path, err);
	if (copy_metadata(replace, there, folder, name, &first) == 0)
		return 0;
	if (loosen(folder, name) && copy_metadata(replace, there, folder, name, err) == 0)
		return 0;
	*err = first;
	return error_wrap(err, "'/%s'", path);
}

/* --- everything else ---------------------------------------------------------------------------------------- */

static int make_file(struct replace *replace, const struct entry_at *there, int folder, struct error *err)
{
	cleanup_fd int file =
		openat(folder, replace->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return file < 0 ? error_errno(err, ERROR_FAILED, errno, "a file cannot be created")
			: file_make(replace, there->folder, there->name, &there->status, file, 0, err);
}

static int make_symlink(const struct entry_at *there, int folder, const char *name)
{
	char content[PATH_MAX];
	ssize_t length = readlinkat(there->folder, there->name, content, sizeof(content) - 1);

	if (length < 0)
		return -1;
	content[length] = '\0';
	return symlinkat(content, folder, name);
}

static int make_other(struct replace *replace, const struct entry_at *there, int folder, struct error *err)
{
	mode_t mode = there->status.st_mode;
	int made = S_ISLNK(mode) ? make_symlink(there, folder, replace->temporary)
				 : mknodat(folder, replace->temporary, (mode & S_IFMT) | 0600, there->status.st_rdev);

	if (made < 0)
		return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be created", there->name);
	return S_ISLNK(mode) ? metadata_copy(there->folder, there->name, &there->status, folder, replace->temporary,
					     replace->buffer, err)
			     : copy_metadata(replace, there, folder, replace->temporary, err);
}

/* One more name of what is there under another: 1; 0 it is not there, or may have no more names, and the item becomes a file of
 * its own. */
static int make_link(struct replace *replace, const char *first, int folder, struct error *err)
{
	cleanup_beneath struct beneath way = BENEATH(replace->root);
	const char *name;
	int from = beneath_parent(&way, first, &name);

	if (from >= 0 && linkat(from, name, folder, replace->temporary, 0) == 0)
		return 1;
	if (beneath_is_gone(errno) || errno == ESTALE || errno == EMLINK || errno == EPERM)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "'/%s' cannot be given one more name", first);
}

static int make_new(struct replace *replace, const struct replace_item *item, const struct entry_at *there, int folder,
		    struct error *err)
{
	int linked = item->first ? make_link(replace, item->first, folder, err) : 0;

	if (linked != 0)
		return linked < 0 ? -1 : 0;
	if (item->staged >= 0 && linkat(item->staged, "", folder, replace->temporary, AT_EMPTY_PATH) == 0)
		return 0;
	if (item->shelved && shelf_take(replace, item, folder, replace->temporary) == 0)
		return 0;
	return S_ISREG(there->status.st_mode) ? make_file(replace, there, folder, err)
					      : make_other(replace, there, folder, err);
}

/* An earlier try may have left its file behind; a folder may be marked as one that nobody changes. */
static int make_anew(struct replace *replace, const struct replace_item *item, const struct entry_at *there, int folder,
		     struct error *err)
{
	unlinkat(folder, replace->temporary, 0);
	if (make_new(replace, item, there, folder, err) == 0)
		return 0;
	unlinkat(folder, replace->temporary, 0);
	if (!loosen(folder, there->name))
		return -1;
	error_clear(err);
	return make_new(replace, item, there, folder, err);
}

static int put_other(struct replace *replace, const struct replace_item *item, const struct entry_at *there, int folder,
		     const char *name, struct error *err)
{
	int moved;

	if (make_anew(replace, item, there, folder, err) < 0)
		return error_wrap(err, "'/%s'", item->path);
	if (written_check(replace, item->path, err) < 0) {
		unlinkat(folder, replace->temporary, 0);
		return -1;
	}
	going_hold(replace, folder, name);
	moved = renameat(folder, replace->temporary, folder, name);
	if (moved < 0 && errno == EPERM && loosen(folder, name))
		moved = renameat(folder, replace->temporary, folder, name);
	if (moved < 0)
		cannot("put in place", item->path, err);
	/* Of two names of one file rename(2) leaves both. */
	unlinkat(folder, replace->temporary, 0);
	return moved;
}

/* --- all of them -------------------------------------------------------------------------------------------- */

/* The folders that lead to a path of which only that is asked for: they may be missing. */
static int make_way(struct replace *replace, const char *path, struct error *err)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		cleanup_free char *above = strndup(path, (size_t)(slash - path));
		struct entry_at here, there;

		if (!above)
			return error_memory(err);
		if (find(&replace->here, above, &here, err) < 0 || find(&replace->there, above, &there, err) < 0)
			return -1;
		if (!here.found && here.folder >= 0 && is_folder(&there) &&
		    put_folder(replace, above, &there, here.folder, here.name, err) < 0)
			return -1;
	}
	return 0;
}

/* -1 without an error: a mount is in between. */
static int open_parent(struct replace *replace, const char *path, const char **name, struct error *err)
{
	int folder = beneath_parent(&replace->here, path, name);

	if (folder < 0 && errno == ENOENT) {
		if (make_way(replace, path, err) < 0)
			return -1;
		beneath_forget(&replace->here);
		folder = beneath_parent(&replace->here, path, name);
	}
	if (folder >= 0 || errno == EXDEV)
		return folder;
	return cannot("find the folder of", path, err);
}

int put_item(struct replace *replace, struct replace_item *item, struct error *err)
{
	struct entry_at there;
	const char *name;
	int folder;

	meter_add(1, 0);
	if (items_is_mounted(replace, item->path))
		return 0;
	if (find(&replace->there, item->path, &there, err) < 0)
		return -1;
	if (!there.found)
		return 0;
	folder = open_parent(replace, item->path, &name, err);
	/* Something has been mounted on the way there: what lies below is none of the workspace's. */
	if (folder < 0 && err->kind == ERROR_NONE)
		return 0;
	/* Making the way there has looked at other folders of the tree. */
	if (folder < 0 || find(&replace->there, item->path, &there, err) < 0)
		return -1;
	if (beneath_is_mount(folder, name))
		return 0;
	return is_folder(&there) ? put_folder(replace, item->path, &there, folder, name, err)
				 : put_other(replace, item, &there, folder, name, err);
}

int put_times(struct replace *replace, const char *path, struct error *err)
{
	struct entry_at here, there;

	if (find(&replace->here, path, &here, err) < 0 || find(&replace->there, path, &there, err) < 0)
		return -1;
	if (!is_folder(&here) || !is_folder(&there) || beneath_is_mount(here.folder, here.name))
		return 0;

	const struct timespec times[2] = { there.status.st_atim, there.status.st_mtim };

	if (utimensat(here.folder, here.name, times, AT_SYMLINK_NOFOLLOW) == 0 ||
	    (errno == EPERM && loosen(here.folder, here.name) &&
	     utimensat(here.folder, here.name, times, AT_SYMLINK_NOFOLLOW) == 0))
		return 0;
	return cannot("set the times of", path, err);
}
