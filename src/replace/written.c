/* Who writes to the writable layer while a change is made from a mount of his own is not seen through ours: the layer itself
 * tells. */
#include "replace/written.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "replace/items.h"

/* What we do to other names of a file changes the time of its inode, and how many names it has: these are left out. */
static uint64_t hash_of(const char *path, const struct stat *status)
{
	const int64_t told[] = { (int64_t)status->st_ino, status->st_mode, status->st_size, status->st_mtim.tv_sec,
				 status->st_mtim.tv_nsec };

	return hash_add(hash_add(HASH_BEGIN, path, strlen(path)), told, sizeof(told));
}

/* Folders are changed in place, and a whiteout holds nothing. */
static bool holds_nothing(const struct stat *status)
{
	return S_ISDIR(status->st_mode) || (S_ISCHR(status->st_mode) && status->st_rdev == 0);
}

static int add_entry(struct replace *replace, const char *path, const struct stat *status, struct error *err)
{
	if (holds_nothing(status))
		return 0;
	if (replace->before_count == replace->before_capacity) {
		size_t capacity = replace->before_capacity ? 2 * replace->before_capacity : 64;
		uint64_t *grown = reallocarray(replace->before, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		replace->before = grown;
		replace->before_capacity = capacity;
	}
	replace->before[replace->before_count++] = hash_of(path, status);
	return 0;
}

/* 1, 0, -1. */
static int find(struct replace *replace, const char *path, struct stat *status, struct error *err)
{
	const char *name;
	int folder = beneath_parent(&replace->upper, path, &name);

	if (folder >= 0 && fstatat(folder, name, status, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return beneath_is_gone(errno)
		       ? 0
		       : error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s' in the writable layer", path);
}

/* What is in a folder that stays one is not touched for its sake. */
static bool stays_folder(struct replace *replace, const char *path)
{
	struct stat status;
	const char *name;
	int folder = beneath_parent(&replace->there, path, &name);

	return folder >= 0 && fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

static int add_item(struct replace *replace, const char *path, struct error *err)
{
	struct stat status;
	int found = items_is_mounted(replace, path) ? 0 : find(replace, path, &status, err);

	if (found <= 0)
		return found;
	if (!S_ISDIR(status.st_mode))
		return add_entry(replace, path, &status, err);
	return stays_folder(replace, path) ? 0 : items_walk(replace, &replace->upper, path, add_entry, err);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

int replace_watch(struct replace *replace, int upper, struct error *err)
{
	written_release(replace);
	replace->upper = BENEATH(upper);
	for (size_t i = 0; i < replace->count; i++)
		if (add_item(replace, replace->items[i]->path, err) < 0)
			return -1;
	if (replace->before_count > 1)
		qsort(replace->before, replace->before_count, sizeof(*replace->before), compare);
	beneath_forget(&replace->upper);
	return 0;
}

int written_check(struct replace *replace, const char *path, struct error *err)
{
	struct stat status;
	uint64_t hash;
	int found;

	/* What we have made for ourselves. */
	if (replace->upper.root < 0 || text_starts_with(path, replace->temporary))
		return 0;
	found = find(replace, path, &status, err);
	if (found <= 0 || holds_nothing(&status))
		return found < 0 ? -1 : 0;
	hash = hash_of(path, &status);
	if (replace->before_count > 0 && bsearch(&hash, replace->before, replace->before_count, sizeof(hash), compare))
		return 0;
	return error_set(err, ERROR_FAILED, "'/%s' was written to by somebody meanwhile", path);
}

int written_check_stop(const struct replace *replace, struct error *err)
{
	if (!replace->is_to_stop || !replace->is_to_stop(replace->stop_context))
		return 0;
	return error_set(err, ERROR_FAILED, "the change was ended in the middle");
}

void written_release(struct replace *replace)
{
	beneath_release(&replace->upper);
	replace->upper = BENEATH(-1);
	free(replace->before);
	replace->before = NULL;
	replace->before_count = replace->before_capacity = 0;
}
