/* Whether a change that was begun long ago would take away what somebody has written since. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "replace/items.h"

static bool is_later(const struct timespec *time, const struct timespec *begun)
{
	return time->tv_sec != begun->tv_sec ? time->tv_sec > begun->tv_sec : time->tv_nsec > begun->tv_nsec;
}

static bool is_temporary(const struct replace *replace, const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, replace->temporary) == 0;
}

/* In a folder that goes. That files in it are gone already changes the times of folders alone. */
static int look_at_entry(struct replace *replace, const char *path, const struct stat *status, struct error *err)
{
	(void)err;
	if (!S_ISDIR(status->st_mode) && is_later(&status->st_ctim, &replace->begun) && !is_temporary(replace, path))
		replace->touched = true;
	return 0;
}

static int is_folder_there(struct replace *replace, const char *path)
{
	struct stat status;
	const char *name;
	int folder = beneath_parent(&replace->there, path, &name);

	return folder >= 0 && fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/* A file is what it was, or it is what it becomes. */
static int look_at_item(struct replace *replace, const char *path, struct error *err)
{
	struct stat status;
	const char *name;
	int same, folder = beneath_parent(&replace->here, path, &name);

	if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return beneath_is_gone(errno) ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s'", path);
	if (S_ISDIR(status.st_mode))
		return is_folder_there(replace, path) ? 0
						      : items_walk(replace, &replace->here, path, look_at_entry, err);
	if (!is_later(&status.st_ctim, &replace->begun))
		return 0;
	same = items_is_same(replace, path, err);
	replace->touched = replace->touched || same == 0;
	return same < 0 ? -1 : 0;
}

int replace_was_touched(struct replace *replace, const struct timespec *begun, struct error *err)
{
	replace->begun = *begun;
	replace->touched = false;
	beneath_forget(&replace->here);
	for (size_t i = 0; i < replace->count && !replace->touched; i++)
		if (!items_is_mounted(replace, replace->items[i]->path) &&
		    look_at_item(replace, replace->items[i]->path, err) < 0)
			return -1;
	return replace->touched;
}
