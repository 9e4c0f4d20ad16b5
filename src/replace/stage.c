/* Files are made before they are put in place: while they have no name nobody sees them, and when we die they are gone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "replace/candidates.h"
#include "replace/file.h"

/* Descriptors that are left for everything else. */
#define RESERVED 256

/* The largest first: these take longest to make. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	return (left->status.st_size < right->status.st_size) - (left->status.st_size > right->status.st_size);
}

/* What the system allows at most (/proc/sys/fs/nr_open): we may raise our own limit so far. */
static rlim_t most_of_system(void)
{
	cleanup_text struct text text = { 0 };
	struct error ignored = { 0 };

	if (file_read_linked(AT_FDCWD, "/proc/sys/fs/nr_open", 32, &text, &ignored) != 0)
		return 0;
	return strtoul(text.data, NULL, 10);
}

/* As many as this process may have open. Programs that it starts later are not to see of that. */
static size_t most_files(struct replace *replace)
{
	rlim_t most = most_of_system();
	struct rlimit limit, more;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (replace->limit_before.rlim_max == 0)
		replace->limit_before = limit;
	more = (struct rlimit){ .rlim_cur = limit.rlim_max > most ? limit.rlim_max : most };
	more.rlim_max = more.rlim_cur;
	if (limit.rlim_cur < more.rlim_cur && setrlimit(RLIMIT_NOFILE, &more) == 0)
		limit = more;
	more = (struct rlimit){ .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };
	if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &more) == 0)
		limit = more;
	return limit.rlim_cur > RESERVED ? limit.rlim_cur - RESERVED : 0;
}

static int find_candidates(struct replace *replace, struct candidate *candidates, size_t *count, struct error *err)
{
	*count = 0;
	for (size_t i = 0; i < replace->count; i++) {
		int found = candidate_find(replace, replace->items[i], &candidates[*count], err);

		if (found < 0)
			return -1;
		*count += found > 0;
	}
	if (*count > 1)
		qsort(candidates, *count, sizeof(*candidates), compare_candidates);
	return 0;
}

/* 1; 0: this filesystem, or this kernel, has no files without names, or no more may be open. */
static int stage(struct replace *replace, struct replace_item *item, unsigned how, struct error *err)
{
	cleanup_fd int file = openat(replace->here.root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct candidate candidate;
	int found;

	if (file < 0)
		return 0;
	found = candidate_find(replace, item, &candidate, err);
	if (found <= 0)
		return found;
	if (file_make(replace, candidate.folder, candidate.name, &candidate.status, file, how, err) < 0)
		return error_wrap(err, "'/%s'", item->path);
	item->staged = steal_fd(&file);
	return 1;
}

/* Of an earlier call. */
static size_t count_staged(const struct replace *replace)
{
	size_t count = 0;

	for (size_t i = 0; i < replace->count; i++)
		count += replace->items[i]->staged >= 0;
	return count;
}

int replace_stage(struct replace *replace, unsigned how, struct error *err)
{
	cleanup_free struct candidate *candidates = calloc(replace->count + 1, sizeof(*candidates));
	size_t count, most = most_files(replace), open_already = count_staged(replace);
	int staged = 1;

	if (!candidates)
		return error_memory(err);
	if (find_candidates(replace, candidates, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && open_already + i < most && staged > 0; i++)
		staged = stage(replace, candidates[i].item, how, err);
	return staged < 0 ? -1 : 0;
}
