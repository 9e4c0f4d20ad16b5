/* What differs between the root and the tree, entry by entry. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/meter.h"
#include "base/text.h"
#include "layer/listing.h"
#include "layer/moved.h"
#include "layer/same.h"
#include "replace/items.h"

/* Paths that are still to be looked at. */
struct pending {
	char **paths;
	size_t count, capacity;
};

static void pending_release(struct pending *pending)
{
	for (size_t i = 0; i < pending->count; i++)
		free(pending->paths[i]);
	free(pending->paths);
}

#define cleanup_pending __attribute__((cleanup(pending_release)))

static int push(struct pending *pending, char *path, struct error *err)
{
	cleanup_free char *taken = path;

	if (!taken)
		return error_memory(err);
	if (pending->count == pending->capacity) {
		size_t capacity = pending->capacity ? 2 * pending->capacity : 64;
		char **grown = reallocarray(pending->paths, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		pending->paths = grown;
		pending->capacity = capacity;
	}
	pending->paths[pending->count++] = steal_pointer(taken);
	return 0;
}

/* An entry on one side. */
struct seen {
	bool found;
	int folder; /* that holds it; the side's */
	const char *name;
	struct stat status;
};

static int look(struct beneath *side, const char *path, struct seen *seen, struct error *err)
{
	*seen = (struct seen){ .folder = beneath_parent(side, path, &seen->name) };
	if (seen->folder < 0 ? beneath_is_gone(errno) : 0)
		return 0;
	if (seen->folder >= 0) {
		const char *slash = strrchr(path, '/');

		seen->name = slash ? slash + 1 : *path ? path : ".";
		if (fstatat(seen->folder, seen->name, &seen->status, AT_SYMLINK_NOFOLLOW) == 0) {
			seen->found = true;
			return 0;
		}
		if (beneath_is_gone(errno))
			return 0;
	}
	return error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s'", path);
}

/* Pushes what a folder holds. One that is not there holds nothing. */
static int push_entries(struct beneath *side, const char *path, struct pending *pending, struct error *err)
{
	cleanup_fd int folder = beneath_open(side->root, path, O_RDONLY);
	struct listing listing;
	struct entry entry;
	struct stat status;
	int more;

	if (folder < 0 && beneath_is_gone(errno))
		return 0;
	if (folder < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the folder '/%s'", path);
	listing_begin(&listing, folder);
	while ((more = listing_next(&listing, &entry, err)) > 0)
		if (push(pending, text_format("%s%s%s", path, *path ? "/" : "", entry.name), err) < 0)
			return -1;
	/* One that was removed meanwhile cannot be listed. */
	if (more < 0 && fstat(folder, &status) == 0 && status.st_nlink == 0) {
		error_clear(err);
		return 0;
	}
	return more;
}

static bool is_folder(const struct seen *seen)
{
	return seen->found && S_ISDIR(seen->status.st_mode);
}

/* Whether there is something in `folder` that is asked for. */
static bool leads_to_scope(const struct replace *replace, const char *folder)
{
	for (size_t i = 0; i < replace->scopes.count; i++)
		if (items_is_in(replace->scopes.items[i], folder))
			return true;
	return false;
}

/* 1, 0, -1. */
static int compare_seen(struct replace *replace, const char *path, const struct seen *here, const struct seen *there,
			struct error *err)
{
	struct same same = { .buffer = replace->buffer, .file_limit = INT64_MAX, .bytes_limit = INT64_MAX };
	int equal;

	if (!here->found || !there->found)
		return here->found == there->found;
	if ((here->status.st_mode & S_IFMT) != (there->status.st_mode & S_IFMT))
		return 0;
	equal = same_entries(&same, here->folder, &here->status, there->folder, &there->status, here->name, err);
	if (equal >= 0)
		return equal;
	/* Others may be at work in the root. */
	if (!entry_has_moved(here->folder, here->name, &here->status, err))
		return error_wrap(err, "'/%s'", path);
	error_clear(err);
	return 0;
}

/* One entry; what lies in it is pushed where it has to be looked at as well. */
static int compare_entry(struct replace *replace, const char *path, bool whole, struct pending *pending,
			 struct error *err)
{
	struct seen here, there;
	bool in_scope = items_is_in_scope(replace, path);
	int same;

	meter_add(1, 0);
	if (items_is_mounted(replace, path) || (!in_scope && !leads_to_scope(replace, path)))
		return 0;
	if (look(&replace->here, path, &here, err) < 0 || look(&replace->there, path, &there, err) < 0)
		return -1;
	if (here.found && beneath_is_mount(here.folder, here.name))
		return 0;
	same = in_scope ? compare_seen(replace, path, &here, &there, err) : 1;
	if (same < 0 || (same == 0 && replace_add(replace, path, err) < 0))
		return -1;
	if (is_folder(&there) && (whole || !is_folder(&here)) && push_entries(&replace->there, path, pending, err) < 0)
		return -1;
	/* What lies in a folder that becomes something else goes with it; in one that is not asked for itself, alone. */
	if (whole && is_folder(&here) && (is_folder(&there) || !in_scope))
		return push_entries(&replace->here, path, pending, err);
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A name that both sides have was pushed twice. */
static void drop_doubles(struct pending *pending, size_t from)
{
	size_t kept = from;

	if (pending->count - from < 2)
		return;
	qsort(pending->paths + from, pending->count - from, sizeof(*pending->paths), compare_paths);
	for (size_t i = from; i < pending->count; i++) {
		if (kept > from && strcmp(pending->paths[kept - 1], pending->paths[i]) == 0)
			free(pending->paths[i]);
		else
			pending->paths[kept++] = pending->paths[i];
	}
	pending->count = kept;
}

int replace_compare(struct replace *replace, const char *path, bool whole, struct error *err)
{
	cleanup_pending struct pending pending = { 0 };

	beneath_forget(&replace->here);
	if (push(&pending, strdup(path), err) < 0)
		return -1;
	while (pending.count > 0) {
		cleanup_free char *next = pending.paths[--pending.count];
		size_t from = pending.count;

		if (compare_entry(replace, next, whole, &pending, err) < 0)
			return -1;
		drop_doubles(&pending, from);
	}
	return 0;
}

int items_is_same(struct replace *replace, const char *path, struct error *err)
{
	struct seen here, there;

	if (look(&replace->here, path, &here, err) < 0 || look(&replace->there, path, &there, err) < 0)
		return -1;
	return compare_seen(replace, path, &here, &there, err);
}

int replace_judge(struct replace *replace, const char *path, struct stat *status, struct error *err)
{
	struct seen here, there;
	int same;

	if (look(&replace->here, path, &here, err) < 0 || look(&replace->there, path, &there, err) < 0)
		return -1;
	if (!here.found)
		return REPLACE_ABSENT;
	*status = here.status;
	same = compare_seen(replace, path, &here, &there, err);
	return same < 0 ? -1 : same ? REPLACE_SAME : REPLACE_OTHER;
}

int items_walk(struct replace *replace, struct beneath *side, const char *path, items_each_entry each,
	       struct error *err)
{
	cleanup_pending struct pending pending = { 0 };

	if (push(&pending, strdup(path), err) < 0)
		return -1;
	while (pending.count > 0) {
		cleanup_free char *next = pending.paths[--pending.count];
		struct seen seen;

		if (look(side, next, &seen, err) < 0 || (seen.found && each(replace, next, &seen.status, err) < 0) ||
		    (is_folder(&seen) && push_entries(side, next, &pending, err) < 0))
			return -1;
	}
	return 0;
}

int items_walk_tree(struct replace *replace, items_each_entry each, struct error *err)
{
	return items_walk(replace, &replace->there, "", each, err);
}

static int add_entry(struct replace *replace, const char *path, const struct stat *status, struct error *err)
{
	(void)status;
	return *path ? replace_add(replace, path, err) : 0;
}

int replace_add_all(struct replace *replace, struct error *err)
{
	return items_walk_tree(replace, add_entry, err);
}
