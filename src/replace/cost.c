/* What a change takes on the disk, before anything of it is done. */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "replace/candidates.h"
#include "replace/items.h"

/* A name in a folder, or the mark that hides one below; what is no file; and a folder, also one that an overlay copies up for
 * what is done in it, with its attributes. Rather too much. */
#define NAME_BYTES 512
#define ENTRY_BYTES 4096
#define FOLDER_BYTES 8192
#define BLOCK_BYTES 512

struct costing {
	struct replace *replace;
	struct replace_cost *cost;
	struct beneath upper; /* without a root: none */
	char *above;          /* the folder of the entry before */
	struct names_set firsts;
};

static void costing_release(struct costing *costing)
{
	beneath_release(&costing->upper);
	free(costing->above);
	names_set_release(&costing->firsts);
}

/* Whether the overlay has it in its upper layer already. */
static bool is_in_upper(struct costing *costing, const char *path)
{
	struct stat status;
	const char *name;
	int folder = costing->upper.root >= 0 ? beneath_parent(&costing->upper, path, &name) : -1;

	if (costing->upper.root < 0)
		return true;
	return folder >= 0 && fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISCHR(status.st_mode);
}

/* A file is copied whole where it gets one more name, or where marks are taken off it. */
static void add_copy_up(struct costing *costing, const char *path, bool marked_alone)
{
	struct statx status;
	const char *name;
	int folder = beneath_parent(&costing->replace->here, path, &name);

	if (folder < 0 || statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status) < 0 ||
	    !S_ISREG(status.stx_mode))
		return;
	if (marked_alone && !(status.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)))
		return;
	if (is_in_upper(costing, path))
		return;
	costing->replace->known.rest += status.stx_blocks * BLOCK_BYTES;
	costing->replace->known.entries++;
}

/* Folders of the way to it which the entry before did not have. */
static int add_way(struct costing *costing, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *above = strndup(path, slash ? (size_t)(slash - path) : 0);
	size_t shared = 0, more;

	if (!above)
		return error_memory(err);
	while (costing->above && above[shared] && above[shared] == costing->above[shared])
		shared++;
	more = !costing->above || above[shared] ? 1 : 0;
	for (const char *next = above + shared; *next; next++)
		more += *next == '/';
	costing->replace->known.rest += more * FOLDER_BYTES;
	costing->replace->known.entries += more;
	free(costing->above);
	costing->above = above;
	return 0;
}

static uint64_t rest_of(const struct candidate *candidate, bool in_tree)
{
	if (in_tree && S_ISDIR(candidate->status.st_mode))
		return FOLDER_BYTES;
	return in_tree && !S_ISREG(candidate->status.st_mode) ? ENTRY_BYTES : NAME_BYTES;
}

/* What is left to be made counts as long as it is not. */
static int add_file(struct costing *costing, struct replace_item *item, struct candidate *candidate, struct error *err)
{
	int found = candidate_find(costing->replace, item, candidate, err);

	if (found > 0) {
		costing->cost->files += (uint64_t)candidate->status.st_blocks * BLOCK_BYTES;
		costing->cost->entries++;
	}
	return found;
}

static int add_item(struct costing *costing, struct replace_item *item, struct error *err)
{
	struct candidate candidate;
	int found = add_file(costing, item, &candidate, err);
	struct replace_cost *known = &costing->replace->known;

	if (found < 0 || item->costed)
		return found < 0 ? -1 : 0;
	item->costed = true;
	known->rest += rest_of(&candidate, candidate.status.st_nlink > 0);
	known->entries += !found;
	add_copy_up(costing, item->path, true);
	if (item->first && !items_find(costing->replace, item->first) &&
	    names_set_add(&costing->firsts, item->first, err) < 0)
		return -1;
	return add_way(costing, item->path, err);
}

int replace_cost(struct replace *replace, int upper, struct replace_cost *cost, struct error *err)
{
	__attribute__((cleanup(costing_release))) struct costing costing = { .replace = replace,
									     .cost = cost,
									     .upper = BENEATH(upper) };

	*cost = (struct replace_cost){ 0 };
	replace_sort(replace);
	for (size_t i = 0; i < replace->count; i++)
		if (add_item(&costing, replace->items[i], err) < 0)
			return -1;
	/* Of files out of scope that get more names, each once. */
	for (size_t i = 0; i < costing.firsts.count; i++)
		add_copy_up(&costing, costing.firsts.items[i], false);
	cost->rest = replace->known.rest;
	cost->entries += replace->known.entries;
	return 0;
}
