/* Whether a change that was begun long ago would take away what somebody has written since. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
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

static int is_folder_there(struct replace *replace, const char *path)
{
	struct stat status;
	const char *name;
	int folder = beneath_parent(&replace->there, path, &name);

	return folder >= 0 && fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/* Whoever writes to it or puts another in its place changes its inode's number or time of change. */
static void describe(const struct stat *status, char state[static ITEMS_STATE_SIZE])
{
	snprintf(state, ITEMS_STATE_SIZE, "%llu %lld.%09ld", (unsigned long long)status->st_ino,
		 (long long)status->st_ctim.tv_sec, status->st_ctim.tv_nsec);
}

/* In a folder that goes: the order does not count. */
static int add_to_sum(struct replace *replace, const char *path, const struct stat *status, struct error *err)
{
	char state[ITEMS_STATE_SIZE];

	(void)err;
	if (S_ISDIR(status->st_mode) || is_temporary(replace, path))
		return 0;
	describe(status, state);
	replace->sum += hash_add(hash_add(HASH_BEGIN, path, strlen(path)), state, strlen(state));
	replace->seen++;
	return 0;
}

static int sum_up(struct replace *replace, const char *path, struct error *err)
{
	replace->seen = replace->sum = 0;
	return items_walk(replace, &replace->here, path, add_to_sum, err);
}

int items_state(struct replace *replace, const char *path, char state[static ITEMS_STATE_SIZE], struct error *err)
{
	struct stat status;
	const char *name;
	int folder = beneath_parent(&replace->here, path, &name);

	state[0] = '\0';
	if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return beneath_is_gone(errno) ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s'", path);
	if (!S_ISDIR(status.st_mode)) {
		describe(&status, state);
	} else if (!is_folder_there(replace, path)) {
		if (sum_up(replace, path, err) < 0)
			return -1;
		snprintf(state, ITEMS_STATE_SIZE, "%llu files %llx", (unsigned long long)replace->seen,
			 (unsigned long long)replace->sum);
	}
	return 0;
}

/* Of an earlier boot the clock may have gone otherwise, and it can be set back in this one: what was noted is certain. But it is
 * what was there before others had ended their work; and an earlier build has noted nothing. */
static bool times_tell(const struct replace *replace, const struct replace_item *item)
{
	return replace->times_tell || !item->was;
}

static bool is_as_noted(const struct replace *replace, const struct replace_item *item, const struct stat *status)
{
	char state[ITEMS_STATE_SIZE];

	if (times_tell(replace, item))
		return !is_later(&status->st_ctim, &replace->begun);
	describe(status, state);
	return strcmp(state, item->was) == 0;
}

/* In a folder that goes. That files in it are gone already changes the times of folders alone. */
static int look_at_entry(struct replace *replace, const char *path, const struct stat *status, struct error *err)
{
	(void)err;
	if (!S_ISDIR(status->st_mode) && is_later(&status->st_ctim, &replace->begun) && !is_temporary(replace, path))
		replace->touched = true;
	return 0;
}

/* A folder that goes. Fewer files than there were: the change was at it already. */
static int look_at_folder(struct replace *replace, const struct replace_item *item, struct error *err)
{
	unsigned long long seen, sum;

	if (items_walk(replace, &replace->here, item->path, look_at_entry, err) < 0)
		return -1;
	if (replace->touched || times_tell(replace, item) || sscanf(item->was, "%llu files %llx", &seen, &sum) != 2)
		return 0;
	if (sum_up(replace, item->path, err) < 0)
		return -1;
	replace->touched = replace->seen > seen || (replace->seen == seen && replace->sum != sum);
	return 0;
}

/* A file is what it was, or it is what it becomes. */
static int look_at_item(struct replace *replace, const struct replace_item *item, struct error *err)
{
	const char *path = item->path;
	struct stat status;
	const char *name;
	int same, folder = beneath_parent(&replace->here, path, &name);

	if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return beneath_is_gone(errno) ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s'", path);
	if (S_ISDIR(status.st_mode))
		return is_folder_there(replace, path) ? 0 : look_at_folder(replace, item, err);
	if (is_as_noted(replace, item, &status))
		return 0;
	same = items_is_same(replace, path, err);
	replace->touched = replace->touched || same == 0;
	return same < 0 ? -1 : 0;
}

int replace_was_touched(struct replace *replace, const struct timespec *begun, bool times_tell, struct error *err)
{
	replace->begun = *begun;
	replace->times_tell = times_tell;
	replace->touched = false;
	beneath_forget(&replace->here);
	for (size_t i = 0; i < replace->count && !replace->touched; i++)
		if (!items_is_mounted(replace, replace->items[i]->path) &&
		    look_at_item(replace, replace->items[i], err) < 0)
			return -1;
	return replace->touched;
}
