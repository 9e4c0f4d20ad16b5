/* Files are made before they are put in place: while they have no name nobody sees them, and when we die they are gone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "replace/file.h"
#include "replace/items.h"

/* Descriptors that are left for everything else. */
#define RESERVED 256

struct candidate {
	struct replace_item *item;
	off_t size;
};

/* The largest first: these take longest to make. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	return (left->size < right->size) - (left->size > right->size);
}

/* As many as this process may have open. Programs that it starts later are not to see of that. */
static size_t most_files(struct replace *replace)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit more = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
			replace->open_before = limit.rlim_cur;
			limit = more;
		}
	}
	return limit.rlim_cur > RESERVED ? limit.rlim_cur - RESERVED : 0;
}

/* 1 it is a file of its own in the tree, with its status; 0; -1. */
static int find_file(struct replace *replace, const struct replace_item *item, int *folder, const char **name,
		     struct stat *status, struct error *err)
{
	if (item->first || item->staged >= 0)
		return 0;
	*folder = beneath_parent(&replace->there, item->path, name);
	if (*folder >= 0 && fstatat(*folder, *name, status, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(status->st_mode);
	return beneath_is_gone(errno)
		       ? 0
		       : error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s' of the version", item->path);
}

static int find_candidates(struct replace *replace, struct candidate *candidates, size_t *count, struct error *err)
{
	*count = 0;
	for (size_t i = 0; i < replace->count; i++) {
		struct stat status;
		const char *name;
		int folder, found = find_file(replace, replace->items[i], &folder, &name, &status, err);

		if (found < 0)
			return -1;
		if (found)
			candidates[(*count)++] =
				(struct candidate){ .item = replace->items[i], .size = status.st_size };
	}
	qsort(candidates, *count, sizeof(*candidates), compare_candidates);
	return 0;
}

/* 1; 0: this filesystem, or this kernel, has no files without names, or no more may be open. */
static int stage(struct replace *replace, struct replace_item *item, struct error *err)
{
	cleanup_fd int file = openat(replace->here.root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct stat status;
	const char *name;
	int folder, found;

	if (file < 0)
		return 0;
	found = find_file(replace, item, &folder, &name, &status, err);
	if (found <= 0)
		return found;
	if (file_make(replace, folder, name, &status, file, err) < 0)
		return error_wrap(err, "'/%s'", item->path);
	item->staged = steal_fd(&file);
	return 1;
}

int replace_cost(struct replace *replace, uint64_t *bytes, struct error *err)
{
	*bytes = 0;
	for (size_t i = 0; i < replace->count; i++) {
		struct stat status;
		const char *name;
		int folder, found = find_file(replace, replace->items[i], &folder, &name, &status, err);

		if (found < 0)
			return -1;
		*bytes += found ? (uint64_t)status.st_blocks * 512 : 0;
	}
	return 0;
}

int replace_stage(struct replace *replace, struct error *err)
{
	cleanup_free struct candidate *candidates = calloc(replace->count + 1, sizeof(*candidates));
	size_t count, most = most_files(replace);
	int staged = 1;

	if (!candidates)
		return error_memory(err);
	if (find_candidates(replace, candidates, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && i < most && staged > 0; i++)
		staged = stage(replace, candidates[i].item, err);
	return staged < 0 ? -1 : 0;
}
